import type { CedarVariable } from '../wire/cedar.ts'
import type { RequestTypes } from './schema.ts'
import type { Symbolic } from './symbolic.ts'
import type { World } from './world.ts'

/** What a policy's variables stand for in one question. */
type Bindings = Readonly<Record<CedarVariable, Symbolic>>

/** What the names in a policy mean. */
export type Scene = {
  world: World
  types: RequestTypes
  bindings: Bindings
  /** the policy that is encoded, to name it where that is not possible */
  policy?: string
}
