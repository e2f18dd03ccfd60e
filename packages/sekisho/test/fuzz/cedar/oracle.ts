import * as library from '@cedar-policy/cedar-wasm/nodejs'
import * as z from 'zod'
import type { CedarPolicy } from '../../../src/wire/cedar.ts'
import { withRawNumbers } from './exact-json.ts'
import type { TripleEntity, TripleRequest } from './triple.ts'

/** What is compared. Messages are not: they are each library's own. */
export const Answer = z.union([
  z.strictObject({
    decision: z.enum(['allow', 'deny']),
    determining: z.array(z.string()),
    erred: z.array(z.string()),
  }),
  /** entities or a context that have no value, such as an address that is none */
  z.literal('refused'),
])
export type Answer = z.infer<typeof Answer>

// Its own types want arrays that can be written to, and numbers for all Longs.
const Loose = z.object({
  preparsePolicySet: z.custom<(id: string, policies: unknown) => unknown>(isFunction),
  statefulIsAuthorized: z.custom<(call: unknown) => unknown>(isFunction),
})
const loose = Loose.parse({ ...library })

const Parsed = z.union([
  z.object({ type: z.literal('success') }),
  z.object({ type: z.literal('failure'), errors: z.array(z.object({ message: z.string() })) }),
])

const Authorized = z.union([
  z.object({ type: z.literal('failure') }),
  z.object({
    type: z.literal('success'),
    response: z.object({
      decision: z.enum(['allow', 'deny']),
      diagnostics: z.object({
        reason: z.array(z.string()),
        errors: z.array(z.object({ policyId: z.string() })),
      }),
    }),
  }),
])

const SET = 'fuzzed'

/**
 * Cedar's own answers about one policy set, which replaces the one before.
 *
 * @throws TypeError when the library does not take the policies: the generator made what Cedar
 *   does not have
 */
export function askCedarAbout(
  policies: readonly CedarPolicy[],
  entities: readonly TripleEntity[],
): (request: TripleRequest) => Answer {
  const staticPolicies = Object.fromEntries(policies.map(({ id, policy }) => [id, policy]))
  const parsed = Parsed.parse(loose.preparsePolicySet(SET, { staticPolicies }))
  if (parsed.type === 'failure') throw new TypeError(parsed.errors[0]?.message ?? 'not taken')
  const written = entities.map(({ uid, attrs, tags, parents }) => ({
    uid,
    attrs: withRawNumbers(attrs),
    tags: withRawNumbers(tags),
    parents,
  }))
  return ({ context, ...uids }) => {
    const call = { ...uids, context: withRawNumbers(context), entities: written }
    const answer = Authorized.parse(
      loose.statefulIsAuthorized({ ...call, preparsedPolicySetId: SET, validateRequest: false }),
    )
    if (answer.type === 'failure') return 'refused'
    const { decision, diagnostics } = answer.response
    return {
      decision,
      determining: diagnostics.reason.toSorted(),
      erred: diagnostics.errors.map(({ policyId }) => policyId).toSorted(),
    }
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
