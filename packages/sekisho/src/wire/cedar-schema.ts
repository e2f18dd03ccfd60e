import * as z from 'zod'

/**
 * A Cedar schema in Cedar's own JSON form, as `schemaToJson` of @cedar-policy/cedar-wasm gives it;
 * of what that form has, only what says which requests there are and what they hold.
 *
 * @see https://docs.cedarpolicy.com/schema/json-schema.html
 */

export type CedarTypeJson = {
  type: string
  name?: string | undefined
  element?: CedarTypeJson | undefined
  attributes?: Record<string, CedarTypeJson> | undefined
  required?: boolean | undefined
}

const Name = z.string().max(512)
const CedarTypeJson: z.ZodType<CedarTypeJson> = z.lazy(() =>
  z.object({
    type: Name,
    name: Name.optional(),
    element: CedarTypeJson.optional(),
    attributes: z.record(Name, CedarTypeJson).optional(),
    required: z.boolean().optional(),
  }),
)

const CedarNamespaceJson = z.object({
  commonTypes: z.record(Name, CedarTypeJson).optional(),
  entityTypes: z.record(
    Name,
    z.object({ memberOfTypes: z.array(Name).optional(), shape: CedarTypeJson.optional() }),
  ),
  actions: z.record(
    Name,
    z.object({
      appliesTo: z
        .object({
          principalTypes: z.array(Name),
          resourceTypes: z.array(Name),
          context: CedarTypeJson.optional(),
        })
        .optional(),
      memberOf: z.array(z.object({ id: Name, type: Name.optional() })).optional(),
    }),
  ),
})

/** By namespace. */
export const CedarSchemaJson = z.record(Name, CedarNamespaceJson)
export type CedarSchemaJson = z.infer<typeof CedarSchemaJson>
