import { compileCedar } from '../../packages/sekisho/src/policy/cedar/engine.ts'
import { entityStore } from '../../packages/sekisho/src/policy/cedar/entities.ts'
import {
  type CedarLibrary,
  cedarLibrary,
} from '../../packages/sekisho/src/policy-text/cedar-library.ts'
import { CedarPolicies } from '../../packages/sekisho/src/wire/cedar.ts'
import { realisticPolicies } from './policies.ts'
import { base, readKnown, recordFrom, type Request } from './requests.ts'

/** Decides one request, and says what it came to in a form that all of them share. */
export type Decide = (request: Request) => () => Answer
export type Answer = { decision: 'allow' | 'deny'; determining: readonly string[] }

export type Subject = {
  name: string
  /** what is prepared is not timed: what the function that it gives back does is */
  prepare: Decide
  /** single decisions in one round */
  each: number
}

/** All of them with the same policies. */
export async function subjectsWith(count: number): Promise<Subject[]> {
  const library = await cedarLibrary()
  const texts = Object.fromEntries(realisticPolicies(count).map((text, at) => [`p${at}`, text]))
  const engine = compileCedar(
    CedarPolicies.parse(
      Object.entries(texts).map(([id, text]) => ({ id, policy: jsonOf(library, text) })),
    ),
    base,
  )
  const set = `bench-${count}`
  const parsed = library.preparsePolicySet(set, { staticPolicies: texts })
  if (parsed.type === 'failure') throw new TypeError(parsed.errors[0]?.message)
  return [
    {
      name: `sekisho, ${count} policies`,
      each: 2_000,
      prepare: ({ uids, own, context }) => {
        const store = entityStore(own.map(readKnown), base)
        const request = { ...uids, context: recordFrom(context) }
        return () => engine.decide(request, store)
      },
    },
    {
      name: `sekisho with its context and entities made, ${count} policies`,
      each: 2_000,
      prepare: ({ uids, own, context }) => {
        return () => {
          const store = entityStore(own.map(readKnown), base)
          return engine.decide({ ...uids, context: recordFrom(context) }, store)
        }
      },
    },
    {
      name: `cedar-wasm, preparsed, ${count} policies`,
      each: 40,
      prepare: ({ uids, context, entities }) => {
        const call = { ...uids, context, entities, preparsedPolicySetId: set }
        return () => answerOf(library.statefulIsAuthorized(call))
      },
    },
    {
      name: `cedar-wasm, ${count} policies`,
      each: 3,
      prepare: ({ uids, context, entities }) => {
        const call = { ...uids, context, entities, policies: { staticPolicies: texts } }
        return () => answerOf(library.isAuthorized(call))
      },
    },
  ]
}

function jsonOf(library: CedarLibrary, text: string): unknown {
  const answer = library.policyToJson(text)
  if (answer.type === 'failure') throw new TypeError(answer.errors[0]?.message)
  return answer.json
}

function answerOf(answer: ReturnType<CedarLibrary['isAuthorized']>): Answer {
  if (answer.type === 'failure') throw new TypeError(answer.errors[0]?.message)
  const { decision, diagnostics } = answer.response
  return { decision, determining: diagnostics.reason }
}
