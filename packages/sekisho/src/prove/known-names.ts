import type { PolicyRule } from '../wire/policy.ts'
import type { ComparedBundle } from '../wire/solver.ts'

/** Who and what a bundle names, so that an example is one that people know. */
export type KnownNames = {
  agents: readonly { name: string; rules: readonly PolicyRule[] }[]
  /** as policies name them */
  users: readonly string[]
}

/** The user of a platform whose users.yaml names nobody. */
const USUAL_USER = 'uid-0'

/** @param only the agent that a question is about; all of the bundle's where it is left out */
export function namesOf(
  {
    agents,
    bundle,
  }: Pick<ComparedBundle, 'agents'> & { bundle: Pick<ComparedBundle['bundle'], 'users'> },
  only?: string,
): KnownNames {
  const users = bundle.users.map(({ name }) => name)
  return {
    agents: agents.filter(({ name }) => only === undefined || name === only),
    users: users.length === 0 ? [USUAL_USER] : users,
  }
}
