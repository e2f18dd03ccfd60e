import type * as z from 'zod'
import type { Action } from '../core/action.ts'
import type { RecordedFinding } from '../core/finding.ts'
import type { Verdict } from '../core/verdict.ts'
import type { ActionOutcome, Intent, Recorder } from '../flow/ports.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { LlmCallLeaf } from '../wire/llm.ts'
import type { VerdictShape } from '../wire/schemas.ts'
import type { EgressBreach } from './egress-meter.ts'
import type { KeyholderLink } from './keyholder-link.ts'

type Leaf<Type extends LeafInput['type']> = Extract<LeafInput, { type: Type }>

export type SessionRecorder = Recorder & {
  /** @throws as {@link KeyholderLink.record} */
  breach(breach: EgressBreach): Promise<void>
  /** what a call of a model came to. @throws as {@link KeyholderLink.record} */
  modelCall(leaf: LlmCallLeaf): Promise<void>
  /** Resolves when every outcome and breach handed over so far is recorded or lost; bounded, never rejects. */
  settled(): Promise<void>
}

/** The log as the checkpoint sees it: leaves of one session. */
export function recorderFor(
  session: string,
  link: KeyholderLink,
  /** the denial that it is about is in the log all the same */
  alertLost: () => void,
): SessionRecorder {
  const waiting = new Set<Promise<unknown>>()
  const follow = async (recorded: Promise<unknown>): Promise<void> => {
    waiting.add(recorded)
    try {
      await recorded
    } finally {
      waiting.delete(recorded)
    }
  }
  return {
    intent: async (intent) => {
      const { id, action, credentials, findings } = intent
      const values = await link.record(intentLeaf(session, intent), credentials)
      for (const detector of alarming(findings)) {
        follow(link.record(alertOf(session, id, { detector, action }), [])).catch(alertLost)
      }
      return new Map(Object.entries(values))
    },
    outcome: async (id, outcome) => {
      await follow(link.tell({ type: 'action.outcome', session, id, outcome: told(outcome) }))
    },
    breach: (breach) =>
      follow(link.record({ type: 'limit.breach', session, ...breach, did: 'refused' }, [])),
    modelCall: (leaf) => follow(link.tell(leaf)),
    settled: async () => {
      link.flush()
      await Promise.allSettled(waiting)
    },
  }
}

/**
 * As it can be signed: half a character, as where an error quotes so many of what a server said, has no
 * bytes, and what is signed with it, of other sessions too, would go unrecorded.
 */
function told(outcome: ActionOutcome): Leaf<'action.outcome'>['outcome'] {
  if (outcome.kind === 'performed') return outcome
  if (outcome.kind === 'failed') return { ...outcome, message: outcome.message.toWellFormed() }
  return { ...outcome, rules: [...outcome.rules], reason: outcome.reason.toWellFormed() }
}

function intentLeaf(
  session: string,
  { id, action, verdict, credentials, findings, uninspected, ...rest }: Intent,
): Leaf<'action.intent'> {
  return {
    type: 'action.intent',
    session,
    id,
    action: action.kind === 'process.syscall' ? { ...action, args: [...action.args] } : action,
    verdict: verdictShape(verdict),
    credentials: [...credentials],
    repeated: rest.repeated,
    ...(rest.generation === undefined ? {} : { generation: rest.generation }),
    ...(rest.facts === undefined ? {} : { facts: rest.facts }),
    ...(rest.hold === undefined ? {} : { hold: rest.hold }),
    ...(rest.parent === undefined ? {} : { parent: rest.parent }),
    ...(findings === undefined ? {} : { findings: [...findings] }),
    ...(uninspected === undefined ? {} : { uninspected }),
  }
}

function verdictShape(verdict: Verdict): z.infer<typeof VerdictShape> {
  const rules = [...verdict.rules]
  if (verdict.kind === 'allow') return { kind: 'allow', rules }
  const { kind, reason } = verdict
  if (kind === 'deny' || verdict.needs === undefined) return { kind, rules, reason }
  return { kind, rules, reason, needs: [...verdict.needs] }
}

/** Nothing honest carries these away: a secret of the platform, or a canary. */
function alarming(findings: readonly RecordedFinding[] = []): readonly string[] {
  const names = findings.map(({ detector }) => detector)
  return [...new Set(names)].filter((name) => /^(?:platform|canary)\./.test(name))
}

function alertOf(
  session: string,
  about: string,
  { detector, action }: { detector: string; action: Action },
): Leaf<'alert'> {
  const to = 'host' in action && action.host !== null ? action.host : action.kind
  return {
    type: 'alert',
    session,
    rule: `detect.${detector}`.slice(0, 128),
    severity: 'high',
    subject: `${detector} on its way to ${to}`,
    about,
  }
}
