import * as z from 'zod'

/** A bound on what actions come to together. */
export const Constraint = z.strictObject({
  /** its rule is `constraint.<id>` */
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .max(96),
  /** which actions count; what is left out does not narrow */
  of: z.strictObject({
    agent: z.string().max(128).optional(),
    operation: z.string().max(128).optional(),
    /** an action id of the schema, such as `http.request` */
    action: z.string().max(64).optional(),
    /** canonical name, or `*.name` */
    host: z.string().max(255).optional(),
    method: z.string().max(32).optional(),
  }),
  measure: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('count') }),
    /** of an argument that is a number; what has none counts as unknown, between the bounds */
    z.strictObject({
      kind: z.literal('sum'),
      argument: z.string().max(256),
      min: z.int(),
      max: z.int(),
    }),
    /** of the request's body */
    z.strictObject({ kind: z.literal('bytes') }),
  ]),
  per: z.enum(['session', 'agent', 'user', 'platform']),
  /** null: for ever, which for a session is its life */
  windowMs: z.int().min(1000).nullable(),
  max: z.int(),
})
export type Constraint = z.infer<typeof Constraint>
