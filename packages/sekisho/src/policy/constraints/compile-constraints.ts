import type { Action } from '../../core/action.ts'
import { matchesHost } from '../../core/host.ts'
import type { Constraint } from '../../wire/constraints.ts'
import type { ActionFacts } from '../../core/facts.ts'
import { readSteps, valuesAt } from '../operations/critical-argument.ts'

/** By constraint; null where what it counts is not known. */
export type Amounts = Readonly<Record<string, number | null>>

export type CompiledConstraints = {
  /** What an action counts for in each constraint that it falls under; null where in none. */
  amountsFor(action: Action, facts: ActionFacts): Amounts | null
}

/** @param agent whose sessions they are compiled for */
export function compileConstraints(
  constraints: readonly Constraint[],
  agent: string,
): CompiledConstraints {
  const own = constraints
    .filter(({ of }) => of.agent === undefined || of.agent === agent)
    .map((constraint) => ({
      id: constraint.id,
      covers: coverageOf(constraint.of),
      measure: measureOf(constraint.measure),
    }))
  return {
    amountsFor: (action, facts) => {
      const covering = own.filter(({ covers }) => covers(action, facts))
      if (covering.length === 0) return null
      return Object.fromEntries(covering.map(({ id, measure }) => [id, measure(facts)]))
    },
  }
}

type Covers = (action: Action, facts: ActionFacts) => boolean

function coverageOf({ operation, action: kind, host, method }: Constraint['of']): Covers {
  const tests: Covers[] = []
  if (operation !== undefined) tests.push((_, facts) => facts.operation?.id === operation)
  if (kind !== undefined) tests.push((action, facts) => isKind(kind, action, facts))
  if (host !== undefined) tests.push((action) => matchesHost(host, hostOf(action) ?? ''))
  if (method !== undefined) {
    tests.push((action) => action.kind === 'http.request' && action.method === method)
  }
  return (action, facts) => tests.every((test) => test(action, facts))
}

/** One request can be several of Cedar's actions at once. */
function isKind(kind: string, action: Action, facts: ActionFacts): boolean {
  switch (kind) {
    case 'tool.call':
      return facts.operation !== null
    case 'secret.use':
      return action.kind === kind || facts.credentials.length > 0
    case 'llm.generate':
      return action.kind === kind || facts.generate !== null
    case 'package.install':
      return action.kind === kind || facts.install !== null
    default:
      return action.kind === kind
  }
}

function hostOf(action: Action): string | null {
  if (action.kind === 'dns.resolve') return action.name
  return 'host' in action ? action.host : null
}

function measureOf(measure: Constraint['measure']): (facts: ActionFacts) => number | null {
  switch (measure.kind) {
    case 'count':
      return () => 1
    case 'bytes':
      return ({ bodyBytes }) => bodyBytes
    case 'sum': {
      const path = measure.argument.split('.').flatMap(readSteps)
      return ({ operation }) =>
        operation === null ? null : sumOf(valuesAt(path, operation.arguments))
    }
  }
}

/** Rounded up: a fraction counts as the whole that it is a part of. */
function sumOf(found: ReturnType<typeof valuesAt>): number | null {
  const numbers = found.map(({ value }) => value).filter((value) => typeof value === 'number')
  if (numbers.length === 0 || numbers.length < found.length) return null
  const sum = Math.ceil(numbers.reduce((total, value) => total + value, 0))
  if (Number.isSafeInteger(sum)) return sum + 0
  return sum > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER
}
