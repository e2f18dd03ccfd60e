import type { HttpRequestAction } from '../core/action.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { Decider, Outgoing } from '../flow/ports.ts'
import type { CriticalValue, UnconfirmedArgument } from '../core/facts.ts'
import { DecisionPoint } from '../policy/decision/decision-point.ts'
import type { CompiledBundle } from '../policy/decision/compiled-bundle.ts'
import type { SessionDecision } from '../wire/decision.ts'

/** Where a value that decides where an action strikes comes from. */
export type OriginOf = (value: CriticalValue) => { isTrusted: boolean; origin: string }

export type SessionRules = Decider & { point: DecisionPoint }

const NO_BODY = new Uint8Array(0)

/** The rules of one session under one generation, as an action takes them. */
export function sessionRules(
  bundle: CompiledBundle,
  session: { session: string; decision: SessionDecision; originOf: OriginOf },
  now: () => number,
): SessionRules {
  const point = new DecisionPoint(bundle, session, now)
  return {
    point,
    generation: point.generation,
    digest: point.digest,
    decide: (action, facts) => point.decide(action, facts),
    optionsFor: (action, rules) => point.optionsFor(action, rules),
    describe: (action, facts) => point.describe(action, facts),
    readOperation: (action, outgoing) =>
      readOperation(action, outgoing, { bundle, originOf: session.originOf }),
    mandateFor: (action, facts, hold) => point.mandateFor(action, facts, hold),
    amountsFor: (action, facts) => point.amountsFor(action, facts),
  }
}

function readOperation(
  action: HttpRequestAction,
  outgoing: () => Outgoing | Deny,
  { bundle, originOf }: { bundle: CompiledBundle; originOf: OriginOf },
): ReturnType<Decider['readOperation']> {
  const operation = bundle.operations.find(action)
  if (operation === undefined) return null
  const sent = outgoing()
  if ('kind' in sent) return sent
  const { fields, body } = sent
  if (valuesOf(fields, 'content-encoding').length > 0) {
    return deny('operation.arguments', `${operation.id}: its arguments are compressed`)
  }
  // two of them are two answers to what the body is
  const types = valuesOf(fields, 'content-type')
  const contentType = types.length === 0 ? undefined : types.join(', ')
  const read = operation.read({ query: action.query, contentType, body: body ?? NO_BODY })
  if (read.kind === 'deny') return read
  const unconfirmed = read.critical.flatMap((critical): UnconfirmedArgument[] => {
    const { isTrusted, origin } = originOf(critical)
    return isTrusted ? [] : [{ ...critical, origin }]
  })
  return { call: read.call, critical: read.critical, unconfirmed }
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, index) => index % 2 === 1 && fields[index - 1]?.toLowerCase() === name)
}
