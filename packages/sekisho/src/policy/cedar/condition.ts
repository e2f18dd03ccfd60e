import type { CedarPolicyJson } from '../../wire/cedar.ts'
import type { Environment } from './code.ts'
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
  const compiled = clauses.map(({ kind, body }) => ({
    holdsAt: kind === 'when',
    run: compileExpression(body, paths).run,
  }))
  const [only] = compiled
  if (only === undefined) return () => true
  if (compiled.length === 1) return (environment) => check(only, environment)
  return (environment) => {
    for (const clause of compiled) {
      const outcome = check(clause, environment)
      if (outcome !== true) return outcome
    }
    return true
  }
}

type Clause = { holdsAt: boolean; run: ReturnType<typeof compileExpression>['run'] }

function check({ holdsAt, run }: Clause, environment: Environment): boolean | Fault {
  const outcome = run(environment)
  return typeof outcome === 'boolean' ? outcome === holdsAt : operandFault(outcome, 'bool')
}
