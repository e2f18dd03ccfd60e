import * as z from 'zod'
import { conditionProblem } from './cedar-shape.ts'
import type { BinaryOperator, ExtensionFunction, UnaryOperator } from './cedar-words.ts'

/**
 * Cedar policies in Cedar's own JSON form, as `policyToJson` of @cedar-policy/cedar-wasm gives
 * them: static policies only, no templates and no slots.
 *
 * @see https://docs.cedarpolicy.com/policies/json-format.html
 */

export const MAX_POLICIES = 10_000
const MAX_NAME_LENGTH = 512
const MAX_ID_LENGTH = 2_048

/** An entity's type, with its namespace, or the name of a type: `Sekisho::Host`. */
const TypeName = z
  .string()
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*$/)

/** The other spelling, `{ __entity: … }`, is for `policyToJson`'s callers; it never writes it here. */
export const EntityUid = z.strictObject({ type: TypeName, id: z.string().max(MAX_ID_LENGTH) })
export type EntityUid = z.infer<typeof EntityUid>

/**
 * Numbers are safe integers: JSON in JavaScript has lost the digits of greater ones by the time
 * anybody sees them, so a policy that holds one is refused rather than guessed.
 */
export type CedarValueJson =
  | boolean
  | number
  | string
  | readonly CedarValueJson[]
  | { readonly __entity: EntityUid }
  | { readonly __extn: CedarExtensionJson }
  | { readonly [key: string]: CedarValueJson }

export type CedarExtensionJson =
  | { readonly fn: string; readonly arg: CedarValueJson }
  | { readonly fn: string; readonly args: readonly CedarValueJson[] }

export type CedarVariable = 'principal' | 'action' | 'resource' | 'context'

export type PatternElement = 'Wildcard' | { readonly Literal: string }

type Two = { readonly left: Expr; readonly right: Expr }
type One = { readonly arg: Expr }

/** One object with one key, which says what it is; `nodeOf` in `cedar-node.ts` reads it. */
export type Expr =
  | { readonly Value: CedarValueJson }
  | { readonly Var: CedarVariable }
  | { [K in BinaryOperator]: { readonly [P in K]: Two } }[BinaryOperator]
  | { [K in UnaryOperator]: { readonly [P in K]: One } }[UnaryOperator]
  | { readonly '.': { readonly left: Expr; readonly attr: string } }
  | { readonly has: { readonly left: Expr; readonly attr: string | readonly string[] } }
  | { readonly like: { readonly left: Expr; readonly pattern: readonly PatternElement[] } }
  | { readonly is: { readonly left: Expr; readonly entity_type: string; readonly in?: Expr } }
  | { readonly 'if-then-else': { readonly if: Expr; readonly then: Expr; readonly else: Expr } }
  | { readonly Set: readonly Expr[] }
  | { readonly Record: { readonly [key: string]: Expr } }
  | { [K in ExtensionFunction]: { readonly [P in K]: readonly Expr[] } }[ExtensionFunction]

/** A condition's body: bounded in nesting and size before anything walks it by recursion. */
export const Expr = z.custom<Expr>((value) => conditionProblem(value) === null, {
  error: ({ input }) => conditionProblem(input) ?? 'no Cedar expression',
})

const ScopeEntity = z.strictObject({ op: z.literal('=='), entity: EntityUid })
const ScopeIn = z.strictObject({ op: z.literal('in'), entity: EntityUid })
const ScopeAll = z.strictObject({ op: z.literal('All') })

export const CedarScope = z.discriminatedUnion('op', [
  ScopeAll,
  ScopeEntity,
  ScopeIn,
  z.strictObject({
    op: z.literal('is'),
    entity_type: TypeName,
    in: z.strictObject({ entity: EntityUid }).optional(),
  }),
])
export type CedarScope = z.infer<typeof CedarScope>

export const CedarActionScope = z.union([
  ScopeAll,
  ScopeEntity,
  ScopeIn,
  z.strictObject({ op: z.literal('in'), entities: z.array(EntityUid).max(1_000) }),
])
export type CedarActionScope = z.infer<typeof CedarActionScope>

export const CedarPolicyJson = z.strictObject({
  effect: z.enum(['permit', 'forbid']),
  principal: CedarScope,
  action: CedarActionScope,
  resource: CedarScope,
  conditions: z.array(z.strictObject({ kind: z.enum(['when', 'unless']), body: Expr })).max(100),
  annotations: z.record(z.string().max(MAX_NAME_LENGTH), z.string().max(4_096)).optional(),
})
export type CedarPolicyJson = z.infer<typeof CedarPolicyJson>

export const CedarPolicy = z.strictObject({
  id: z.string().min(1).max(256),
  policy: CedarPolicyJson,
})
export type CedarPolicy = z.infer<typeof CedarPolicy>

/** The policies of one bundle; an id names one of them. */
export const CedarPolicies = z
  .array(CedarPolicy)
  .max(MAX_POLICIES)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, {
    error: 'two policies have one id',
  })
export type CedarPolicies = z.infer<typeof CedarPolicies>
