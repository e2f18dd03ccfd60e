import type { Action, HttpRequestAction } from '../../core/action.ts'
import {
  type Consequence,
  CONSEQUENCES,
  type Effect,
  REVERSIBILITIES,
  type Reversibility,
} from '../../core/label.ts'
import type { HostLabel } from '../../wire/decision.ts'
import type { RuleOptions } from '../../wire/policy.ts'
import type { ActionFacts } from '../../core/facts.ts'

/** Where an action leads. */
export type Leads = Pick<HostLabel, 'external'> & {
  /** whether it is opened for requests, each of which is decided by itself */
  isForRequests: boolean
}

/** What an action does, by what the operator says of it and never by what the agent says. */
export type Classified = { effect: Effect; reversibility: Reversibility; consequence: Consequence }

/** They ask, and by RFC 9110 §9.2.1 change nothing. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export function classify(
  action: Action,
  said: RuleOptions,
  { leads, facts }: { leads: Leads; facts: ActionFacts },
): Classified {
  const { operation } = facts
  const effect = said.effect ?? (isReadOnly(operation) ? 'read' : usualEffect(action, leads))
  return {
    effect,
    reversibility: reversibilityOf(effect, said, facts),
    consequence: worse(CONSEQUENCES, operation?.consequence ?? 'low', said.consequence ?? 'low'),
  }
}

function isReadOnly(operation: ActionFacts['operation']): boolean {
  return operation?.reversibility === 'read_only'
}

function usualEffect(action: Action, { external, isForRequests }: Leads): Effect {
  const telling = external ? 'external' : 'none'
  if (action.kind === 'http.request') return isRead(action) ? 'read' : telling
  if (action.kind === 'net.connect') return isForRequests ? 'none' : telling
  if (action.kind === 'ws.message') return telling
  return action.kind === 'package.install' ? 'read' : 'none'
}

/** A WebSocket begins with a GET, and says more than that. */
function isRead({ method, upgrade }: HttpRequestAction): boolean {
  return upgrade === undefined && READS.has(method)
}

/** What could not be kept cannot be put back, whatever its rule says. */
function reversibilityOf(
  effect: Effect,
  said: RuleOptions,
  { hasPreImage, operation }: ActionFacts,
): Reversibility {
  if (said.recovery !== undefined && hasPreImage === false) return 'irreversible'
  const declared = worse(
    REVERSIBILITIES,
    said.reversibility ?? 'read_only',
    operation?.reversibility ?? 'read_only',
  )
  if (said.reversibility !== undefined || operation !== null) return declared
  if (hasPreImage === true) return 'reversible'
  return effect === 'read' ? 'read_only' : 'externally_reversible'
}

function worse<T>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}
