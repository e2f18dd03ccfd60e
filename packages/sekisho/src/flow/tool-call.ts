import type { ToolCallAction } from '../core/action.ts'
import { NO_FACTS } from '../core/facts.ts'
import type { RecordedFinding } from '../core/finding.ts'
import { toSekishoError } from '../core/error.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Authorized } from './authorize.ts'
import { recordDenial, reserve } from './checkpoint.ts'
import { authorizeAll, type Consulted, type Consulting, type Taking } from './consult.ts'
import { grantsOf } from './leaving.ts'
import type { ActionOutcome, CheckpointPorts, Exchange } from './ports.ts'

/** Rule of what claims an approval that it does not have. */
const UNAPPROVED = 'invariant.unapproved'

/** What a model proposes that its client should do, as it will be handed over. */
export type ToolCall = {
  action: ToolCallAction
  /** exactly as they will be released */
  arguments: Uint8Array
  findings: readonly RecordedFinding[]
  /** id of the model call that proposes it */
  parent?: string | undefined
  /** tells once that the client has gone */
  onGone: (listener: () => void) => void
  /** as of an exchange */
  consult?: Exchange['consult']
}

/** A call that may be released; whoever has it says what became of it, once. */
export type AllowedCall = {
  kind: 'allowed'
  id: string
  close(outcome: ActionOutcome): void
}

/**
 * The path of a tool call, which leads nowhere by itself: decided, held where it takes somebody's
 * yes, counted, recorded. It may be handed to the client when this has resolved, and not before.
 *
 * @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE or TIMEOUT when it could not be recorded
 */
export async function passToolCall(
  call: ToolCall,
  ports: CheckpointPorts,
): Promise<AllowedCall | Deny> {
  const { action, parent } = call
  const by = ports.current()
  const findings = call.findings.map(({ detector }) => detector)
  const known = { ...NO_FACTS, label: ports.labels.label, left: ports.left?.(), findings }
  const first = by.decide(action, known)
  if (first.kind === 'deny') {
    const facts = by.describe(action, known)
    const seen = findings.length === 0 ? {} : { findings: call.findings }
    await recordDenial(
      { action, by: first, generation: by.generation, facts, parent, ...seen },
      ports,
    )
    return first
  }
  const rules = grantsOf(first)
  const leaving = {
    id: ports.newId(),
    action,
    first: { verdict: first, facts: known },
    clear: { kind: 'clear', credentials: [], findings: call.findings } as const,
    rules,
    options: by.optionsFor(action, rules),
    exchange: exchangeOf(call),
    parent,
  }
  const take = (id: string, authorized: Authorized): Taking =>
    reserve(id, { action, authorized }, ports)
  const settled = await authorizeAll(leaving, by, { ports, take })
  const passed = await record(settled, ports)
  if (passed !== 'unapproved') return passed
  // a mandate that is used up leaves people to be asked
  const again = { ...settled.leaving, id: ports.newId(), ignoresMandates: true }
  const asked = await record(await authorizeAll(again, by, { ports, take }), ports)
  return asked === 'unapproved' ? deny(UNAPPROVED, 'the keyholder knows of no such yes') : asked
}

type Leaving = Consulting & { parent: string | undefined }

async function record(
  { leaving, found, authorized }: Consulted<Leaving>,
  ports: CheckpointPorts,
): Promise<AllowedCall | Deny | 'unapproved'> {
  const { id, action, parent } = leaving
  const { by, facts, hold, verdict } = authorized
  const { findings = [] } = found
  const unseen = found.kind === 'clear' ? found.uninspected : undefined
  try {
    await ports.recorder.intent({
      id,
      action,
      verdict,
      credentials: [],
      repeated: 0,
      ...(findings.length === 0 ? {} : { findings }),
      ...(unseen === undefined ? {} : { uninspected: unseen }),
      generation: by.generation,
      facts: by.describe(action, facts),
      hold: verdict.kind === 'allow' ? hold : undefined,
      parent,
    })
  } catch (thrown) {
    ports.ledger?.release(id)
    if (toSekishoError(thrown).code === 'APPROVAL_REFUSED') return 'unapproved'
    throw thrown
  }
  if (verdict.kind === 'deny') return verdict
  return { kind: 'allowed', id, close: (outcome) => close(id, outcome, ports) }
}

function close(id: string, outcome: ActionOutcome, ports: CheckpointPorts): void {
  if (outcome.kind === 'refused') ports.ledger?.release(id)
  // not awaited: an intent without an outcome becomes a gap leaf
  ports.recorder.outcome(id, outcome).catch((thrown: unknown) => {
    ports.outcomeLost(toSekishoError(thrown))
  })
}

/** What people are shown of it; it is performed by whoever asked. */
function exchangeOf({ arguments: body, onGone, consult }: ToolCall): Exchange {
  return {
    ...(consult === undefined ? {} : { consult }),
    inspect: () => ({ kind: 'clear', credentials: [] }),
    outgoing: () => ({ fields: [], body }),
    onGone,
    perform: () => {
      throw new Error('a tool call is performed by its client')
    },
  }
}
