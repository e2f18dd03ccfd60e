import type { Constraint } from '../../wire/constraints.ts'
import type { LinearConstraint, SettleProblem, SettleResult } from '../../wire/solver.ts'

/** An amount of which only the bounds are known. */
export type Unknown = { variable: string; least: number; most: number }

/** A sum that is or is not too high, whatever the unknown amounts come to. */
export type OpenSum = {
  constraint: Constraint
  /** all that is known, at its worst */
  base: number
  unknown: readonly Unknown[]
}

/** What a solver is asked, and how its answer reads. */
export type OpenProblem = {
  problem: SettleProblem
  /** of a constraint that does not hold, and why */
  explain(violated: Extract<SettleResult, { kind: 'violated' }>): {
    constraint: string
    reason: string
  }
  /** of the first, where the solver does not say */
  constraint: string
}

/** Of one sum, in a question; what is beyond counts with the most that it may be. */
const MAX_UNKNOWN = 128

/** @param bounds everything that is known of the unknown amounts, of each as often as it is counted */
export function openProblem(sums: readonly OpenSum[], bounds: readonly Unknown[]): OpenProblem {
  const names = new Map<string, string>()
  const nameOf = (variable: string): string => {
    const name = names.get(variable) ?? `x${names.size}`
    names.set(variable, name)
    return name
  }
  const variables: Record<string, { min: number; max: number }> = {}
  const constraints = sums.map(({ constraint, base, unknown }): LinearConstraint => {
    const [asked, rest] = [unknown.slice(-MAX_UNKNOWN), unknown.slice(0, -MAX_UNKNOWN)]
    for (const { variable, least, most } of asked) {
      variables[nameOf(variable)] ??= { min: least, max: most }
    }
    return {
      terms: asked.map(({ variable }) => ({ variable: nameOf(variable), factor: 1 })),
      max: constraint.max - rest.reduce((sum, { most }) => sum + most, base),
    }
  })
  const given = Array.from(names, ([variable, name]) => {
    const said = bounds.filter((each) => each.variable === variable)
    const least = Math.max(...said.map((each) => each.least))
    const most = Math.min(...said.map((each) => each.most))
    // bounds that exclude each other are a mistake, from which anything would follow
    return least > most ? [] : [atMost(name, 1, most), atMost(name, -1, -least)]
  }).flat()
  const ids = sums.map(({ constraint: { id } }) => id)
  return {
    problem: { variables, given: given.slice(0, 256), constraints: constraints.slice(0, 256) },
    constraint: ids[0] ?? '',
    explain: ({ constraint, values }) => ({
      constraint: ids[constraint] ?? ids[0] ?? '',
      reason: `too much if ${Array.from(names, ([variable, name]) => `${readable(variable)} is ${values[name] ?? 0}`).join(', ')}`,
    }),
  }
}

function atMost(variable: string, factor: number, max: number): LinearConstraint {
  return { terms: [{ variable, factor }], max }
}

/** Session, action, argument. */
function readable(variable: string): string {
  const [, action = '', ...argument] = variable.split(' ')
  return `${argument.join(' ')} of ${action}`
}
