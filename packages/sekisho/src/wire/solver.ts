import * as z from 'zod'
import { CedarSchemaJson } from './cedar-schema.ts'
import { DecisionBundle } from './decision.ts'
import { PolicyRule, ToolPolicy } from './policy.ts'
import { Digest } from './sandbox.ts'

/** What the solver process is asked, and what it answers. */

const VariableName = z.string().min(1).max(128)
const MAX_TERMS = 256

/** The sum of factors times variables is at most so much. */
export const LinearConstraint = z.strictObject({
  terms: z.array(z.strictObject({ variable: VariableName, factor: z.int() })).max(MAX_TERMS),
  max: z.int(),
})
export type LinearConstraint = z.infer<typeof LinearConstraint>

/** A number that is known, or only its bounds; both belong to it. */
const Quantity = z.union([z.int(), z.strictObject({ min: z.int(), max: z.int() })])

export const SettleProblem = z.strictObject({
  /** every variable that is named in the constraints */
  variables: z.record(VariableName, Quantity),
  /** known to hold between the variables */
  given: z.array(LinearConstraint).max(256),
  /** which all have to hold, whatever the variables that are not known */
  constraints: z.array(LinearConstraint).max(256),
})
export type SettleProblem = z.infer<typeof SettleProblem>

export const SettleResult = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('holds') }),
  /** by index of the constraint, for these values */
  z.strictObject({
    kind: z.literal('violated'),
    constraint: z.int(),
    values: z.record(z.string(), z.int()),
  }),
  z.strictObject({ kind: z.literal('unknown'), why: z.string() }),
])
export type SettleResult = z.infer<typeof SettleResult>

/** What of an agent file a comparison knows. */
const ComparedAgent = z.strictObject({
  name: z.string().max(128),
  rules: z.array(PolicyRule).max(10_000),
  /** left out where its file says nothing of tools */
  tools: ToolPolicy.optional(),
  /** over all else in its file: secrets, mounts, limits … which a comparison does not look into */
  rest: Digest,
})
export type ComparedAgent = z.infer<typeof ComparedAgent>

/** One generation, as far as it can be compared. */
export const ComparedBundle = z.strictObject({
  schema: CedarSchemaJson,
  bundle: DecisionBundle.pick({
    cedar: true,
    hosts: true,
    operations: true,
    constraints: true,
    mandates: true,
    users: true,
    llm: true,
  }),
  agents: z.array(ComparedAgent).max(1000),
})
export type ComparedBundle = z.infer<typeof ComparedBundle>

/** One request that shows something, as far as anything depends on it. */
export const Counterexample = z.strictObject({
  /** id of the action */
  action: z.string(),
  /** types */
  principals: z.array(z.string()),
  resource: z.string(),
  /** by place, such as `context.http.method` or `session.agent`; sets as far as policies ask */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  /** for people: who does what in a line, then a line for each thing that it depends on */
  text: z.string(),
})
export type Counterexample = z.infer<typeof Counterexample>

/** What a new generation allows beside the old one. `equal` and `narrower` are proven. */
export const Comparison = z.strictObject({
  change: z.enum(['equal', 'narrower', 'wider', 'not-proven']),
  /** what is wider or not proven, or else what is narrower; a request has several lines */
  reasons: z.array(z.string()),
  /** a request that only the new generation allows */
  counterexample: Counterexample.nullable(),
  tookMs: z.number(),
})
export type Comparison = z.infer<typeof Comparison>

const TimeoutMs = z.int().min(1).max(60_000)

export const supervisorToSolver = {
  settle: {
    params: z.strictObject({ problem: SettleProblem, timeoutMs: TimeoutMs }),
    result: SettleResult,
  },
  compare: {
    params: z.strictObject({
      before: ComparedBundle,
      after: ComparedBundle,
      timeoutMs: TimeoutMs,
    }),
    result: Comparison,
  },
  stop: { params: z.strictObject({}), result: z.strictObject({}) },
} as const
