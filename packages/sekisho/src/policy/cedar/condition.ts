import type { CedarPolicyJson } from '../../wire/cedar.ts'
import type { Environment, Run } from './code.ts'
import type { SharedPaths } from './shared-paths.ts'
import { compileExpression } from './expression.ts'
import { operandFault } from './type-fault.ts'
import type { Fault } from './value.ts'

/** Whether a policy whose scope matches is satisfied. */
export type Condition = (environment: Environment) => boolean | Fault

/** All clauses in their order; the first that does not hold ends it, and what follows cannot fail. */
export function compileConditions(
  clauses: CedarPolicyJson['conditions'],
  paths: SharedPaths,
): Condition {
  const all = clauses.map(({ kind, body }) => {
    const { run } = compileExpression(body, paths)
    return kind === 'when' ? when(run) : unless(run)
  })
  const [only] = all
  if (only === undefined) return () => true
  if (all.length === 1) return only
  return (environment) => {
    for (const holds of all) {
      const outcome = holds(environment)
      if (outcome !== true) return outcome
    }
    return true
  }
}

function when(run: Run): Condition {
  return (environment) => {
    const outcome = run(environment)
    return typeof outcome === 'boolean' ? outcome : operandFault(outcome, 'bool')
  }
}

function unless(run: Run): Condition {
  return (environment) => {
    const outcome = run(environment)
    return typeof outcome === 'boolean' ? !outcome : operandFault(outcome, 'bool')
  }
}
