import { SekishoError, toSekishoError } from '../core/error.ts'
import type { SessionEnd, SessionPlan } from '../wire/control.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Attested, RuntimeName } from '../wire/sandbox.ts'
import { recordArgv } from './argv-record.ts'

/** What one session was when it began, for the log. */
export function startLeaf(
  plan: SessionPlan,
  facts: {
    runtime: RuntimeName
    initiator: { uid: number; pid: number }
    attestation: readonly Attested[]
    degraded: readonly string[]
  },
): LeafInput {
  return {
    type: 'session.start',
    session: plan.session,
    agent: plan.agent,
    configuration: plan.configuration,
    ...recordArgv(plan.argv),
    workspace: plan.workspace,
    snapshot: plan.workspaceOptions.from,
    ...(plan.phase === undefined ? {} : { phase: plan.phase }),
    runtime: facts.runtime,
    isolation: plan.isolation,
    rootfs: plan.rootfs,
    initiator: facts.initiator,
    limits: plan.limits,
    attestation: [...facts.attestation],
    degraded: [...facts.degraded],
  }
}

/** @returns undefined when every control holds, or could not be tried and is reported so */
export function attestationFailure(attested: readonly Attested[]): SekishoError | undefined {
  const failed = attested.filter(({ held }) => held === false)
  if (failed.length === 0) return undefined
  const named = failed.map(({ control, detail }) => `${control} (${detail})`).join(', ')
  return new SekishoError('ATTESTATION_FAILED', `the sandbox does not hold: ${named}`, {
    hint: 'see what changed on this host; `attestation: mark` in the agent file starts it anyway',
  })
}

export function startFailure(thrown: unknown): SekishoError {
  const full = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC'
  if (!full) return toSekishoError(thrown, 'SANDBOX_FAILED')
  return new SekishoError('SANDBOX_FAILED', 'no space is left for a session', {
    hint: 'free space on the disk of the state directory',
    cause: thrown,
  })
}

export type EndText = Pick<SessionEnd, 'message' | 'hint'>

/** What the client is told of an end that was not the command's own. */
export function describeEnd(reason: SessionEnd['reason'], plan: SessionPlan): EndText {
  switch (reason) {
    case 'exit':
      return { message: null, hint: null }
    case 'wall-clock':
      return {
        message: `the wall-clock limit of ${plan.limits.wallClockMs / 1000} s is reached`,
        hint: 'raise limits.wallClock in the agent file',
      }
    case 'limit':
      return {
        message: 'a limit of the session is reached',
        hint: `see which: sekisho logs ${plan.session}`,
      }
    case 'contained':
      return {
        message: 'it tried to leave its sandbox, and is contained',
        hint: 'see `sekisho quarantine list`',
      }
    case 'stopped':
      return { message: 'stopped by an operator', hint: null }
    case 'client-gone':
      return { message: 'its client hung up', hint: null }
    case 'failed':
      return { message: 'it failed', hint: null }
    default:
      return reason satisfies never
  }
}
