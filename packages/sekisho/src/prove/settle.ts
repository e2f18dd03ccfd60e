import type { LinearConstraint, SettleProblem, SettleResult } from '../wire/solver.ts'
import { type Clock, solve } from './solve.ts'
import { arithmetic, atMost, int, not, or, type Term, TRUE, variable } from './term.ts'
import type { Ask } from './z3.ts'

/**
 * Whether constraints hold for all values that the variables can have. Without anything known
 * between the variables, each sum is greatest at its bounds, which needs no solver.
 *
 * @param timeoutMs later it is unknown, which denies
 */
export async function settle(
  problem: SettleProblem,
  effort: { ask: Ask; timeoutMs: number; now: Clock },
): Promise<SettleResult> {
  const { variables, given, constraints } = problem
  const missing = [...given, ...constraints]
    .flatMap(({ terms }) => terms)
    .find(({ variable: name }) => !Object.hasOwn(variables, name))
  if (missing !== undefined)
    return { kind: 'unknown', why: `nothing is said of ${missing.variable}` }
  if (given.length === 0) return atBounds(problem)
  const facts = [...Object.entries(variables).map(bounds), ...given.map(holds)]
  const broken = or(...constraints.map((constraint) => not(holds(constraint))))
  const found = await solve([broken, ...facts], effort)
  if (found.kind === 'impossible') return { kind: 'holds' }
  if (found.kind === 'unknown') return found
  const values = Object.fromEntries(
    Object.entries(variables).map(([name, quantity]) => {
      const value = found.assignment.get(name)
      return [name, typeof value === 'bigint' ? Number(value) : least(quantity)]
    }),
  )
  return violatedBy(constraints, values) ?? { kind: 'unknown', why: 'what z3 found does not hold' }
}

type Quantity = SettleProblem['variables'][string]

function least(quantity: Quantity): number {
  return typeof quantity === 'number' ? quantity : quantity.min
}

function most(quantity: Quantity): number {
  return typeof quantity === 'number' ? quantity : quantity.max
}

function atBounds({ variables, constraints }: SettleProblem): SettleResult {
  if (Object.values(variables).some((quantity) => least(quantity) > most(quantity))) {
    return { kind: 'holds' } // there are no such values
  }
  for (const constraint of constraints) {
    const factors = factorsOf(constraint)
    const worst = Object.fromEntries(
      Object.entries(variables).map(([name, quantity]) => [
        name,
        (factors.get(name) ?? 0n) > 0n ? most(quantity) : least(quantity),
      ]),
    )
    const violated = violatedBy(constraints, worst)
    if (violated !== null) return violated
  }
  return { kind: 'holds' }
}

/** A variable may stand in several terms of one sum. */
function factorsOf({ terms }: LinearConstraint): ReadonlyMap<string, bigint> {
  const factors = new Map<string, bigint>()
  for (const { variable: name, factor } of terms) {
    factors.set(name, (factors.get(name) ?? 0n) + BigInt(factor))
  }
  return factors
}

function violatedBy(
  constraints: readonly LinearConstraint[],
  values: Readonly<Record<string, number>>,
): Extract<SettleResult, { kind: 'violated' }> | null {
  const constraint = constraints.findIndex(({ terms, max }) => {
    const sum = terms.reduce(
      (total, { variable: name, factor }) => total + BigInt(factor) * BigInt(values[name] ?? 0),
      0n,
    )
    return sum > BigInt(max)
  })
  return constraint === -1 ? null : { kind: 'violated', constraint, values: { ...values } }
}

function bounds([name, quantity]: readonly [string, Quantity]): Term {
  const value = variable(name, 'Int')
  const [from, to] = [atMost(int(least(quantity)), value), atMost(value, int(most(quantity)))]
  return not(or(not(from), not(to)))
}

function holds({ terms, max }: LinearConstraint): Term {
  if (terms.length === 0) return max >= 0 ? TRUE : not(TRUE)
  const products = terms.map(({ variable: name, factor }) =>
    arithmetic('*', int(factor), variable(name, 'Int')),
  )
  return atMost(
    products.reduce((sum, product) => arithmetic('+', sum, product)),
    int(max),
  )
}
