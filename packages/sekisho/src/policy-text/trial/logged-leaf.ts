import * as z from 'zod'
import { LeafInput } from '../../wire/leaves.ts'
import { Phase, SessionId } from '../../wire/schemas.ts'
import type { IntentLeaf, LoggedAction } from './replay.ts'

/** A leaf of a decision, or one that this version does not read. */
export type LoggedLeaf =
  | { kind: 'action'; logged: LoggedAction }
  /** the same action has another leaf once it is decided */
  | { kind: 'held'; logged: LoggedAction }
  | { kind: 'unreadable'; index: number }

/** Of a session's start, as any version has written it. */
const Start = z.object({
  session: SessionId,
  agent: z.string(),
  phase: Phase.default('agent'),
  initiator: z.object({ uid: z.int() }),
})
type Started = Pick<LoggedAction, 'agent' | 'phase' | 'uid'>

/** Reads a log's leaves in their order, and remembers which session was whose. */
export class LeafReader {
  readonly #sessions = new Map<string, Started>()

  /** @returns undefined for what is no decision */
  read(
    index: number,
    { v: _version, at, ...leaf }: Record<string, unknown>,
  ): LoggedLeaf | undefined {
    const type = leaf['type']
    if (type === 'session.start') {
      const start = Start.safeParse(leaf)
      if (!start.success) return undefined // its actions are then nobody's, and said to be
      const { session, agent, phase, initiator } = start.data
      this.#sessions.set(session, { agent, phase, uid: initiator.uid })
    }
    if (type !== 'action.intent' && type !== 'action.held') return undefined
    const parsed = LeafInput.safeParse(leaf)
    const intent = parsed.success ? intentOf(parsed.data) : undefined
    const started = intent === undefined ? undefined : this.#sessions.get(intent.session)
    if (intent === undefined || started === undefined) return { kind: 'unreadable', index }
    const logged = { index, leaf: intent, ...started, atMs: Date.parse(String(at)) }
    return { kind: type === 'action.held' ? 'held' : 'action', logged }
  }
}

function intentOf(leaf: LeafInput): IntentLeaf | undefined {
  if (leaf.type === 'action.intent') return leaf
  if (leaf.type !== 'action.held') return undefined
  const { session, id, action, rules, reason, needs, generation, label, operation } = leaf
  const unconfirmed = [...new Set(leaf.unconfirmed.map(({ kind }) => kind))]
  return {
    type: 'action.intent',
    session,
    id,
    action,
    verdict: { kind: 'hold', rules, reason, needs },
    credentials: [],
    repeated: 0,
    generation,
    facts: {
      user: 'not in this leaf',
      label,
      ...(operation === undefined ? {} : { operation }),
      ...(unconfirmed.length === 0 ? {} : { unconfirmed }),
    },
  }
}
