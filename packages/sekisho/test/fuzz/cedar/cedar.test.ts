import { policyToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import {
  type CedarDecision,
  type CedarEngine,
  compileCedar,
} from '../../../src/policy/cedar/engine.ts'
import { recordOfJson } from '../../../src/policy/cedar/value-json.ts'
import { Fault } from '../../../src/policy/cedar/value.ts'
import { entityStore } from '../../../src/policy/cedar/entities.ts'
import { CedarPolicies, type CedarPolicy } from '../../../src/wire/cedar.ts'
import { Random } from '../random.ts'
import { DOCUMENTED } from './documented.ts'
import { keptTriples } from './kept.ts'
import type { Compile } from './ours.ts'
import { answersOf, runCedar } from './run-cedar.ts'
import { generateTriples, type Triples } from './triple.ts'
import { nameFor, typeName } from './words.ts'

/** the same triples every time; `npm run fuzz -- --cedar` goes on to others */
const SEEDS = [20_261_122]
const RUNS = 1_000

test.for(SEEDS)('Cedar and we answer generated triples the same: seed %i', (seed) => {
  const run = runCedar({ seed, until: (runs) => runs >= RUNS })
  expect(run.differences).toEqual([])
  expect(run.runs).toBe(RUNS)
  for (const count of Object.values(run.answers)) expect(count).toBeGreaterThan(RUNS / 100)
})

/** What a fault in an engine would be, which the comparison has to see. */
const FAULTY: readonly (readonly [string, Compile])[] = [
  [
    'a forbid is a permit',
    (policies) =>
      compileCedar(
        policies.map(({ id, policy }) => ({ id, policy: { ...policy, effect: 'permit' } })),
      ),
  ],
  [
    'a policy that fails is not reported',
    (policies) => after(policies, (decision) => ({ ...decision, errors: [] })),
  ],
  [
    'a policy that fails is satisfied',
    (policies) =>
      after(policies, ({ determining, errors, decision }) => ({
        decision: errors.length > 0 ? 'allow' : decision,
        determining,
        errors,
      })),
  ],
  [
    'unless is when',
    (policies) => compileCedar(policies.map((policy) => withClauses(policy, asWhen))),
  ],
  [
    'the last clause is looked at first',
    (policies) =>
      compileCedar(
        policies.map(({ id, policy }) => ({
          id,
          policy: { ...policy, conditions: policy.conditions.toReversed() },
        })),
      ),
  ],
  [
    'letters of a pattern have no case',
    (policies) => compileCedar(policies.map((policy) => withClauses(policy, withSmallPatterns))),
  ],
]

test.for(FAULTY)('the comparison sees an engine in which %s', ([, compile]) => {
  const run = runCedar({ seed: 1, until: (runs) => runs >= 5_000, compile })
  expect(run.differences.length).toBeGreaterThan(0)
})

type Clause = CedarPolicy['policy']['conditions'][number]

function after(
  policies: readonly CedarPolicy[],
  change: (decision: CedarDecision) => CedarDecision,
): ReturnType<Compile> {
  const engine = compileCedar(policies)
  return { ...engine, decide: (request, entities) => change(engine.decide(request, entities)) }
}

function withClauses({ id, policy }: CedarPolicy, change: (clause: Clause) => Clause): CedarPolicy {
  return { id, policy: { ...policy, conditions: policy.conditions.map(change) } }
}

function asWhen({ body }: Clause): Clause {
  return { kind: 'when', body }
}

function withSmallPatterns(clause: Clause): Clause {
  if (!('like' in clause.body)) return clause
  const { left, pattern } = clause.body.like
  const small = pattern.map((part) =>
    part === 'Wildcard' ? part : { Literal: part.Literal.toLowerCase() },
  )
  return { ...clause, body: { like: { left, pattern: small } } }
}

test.for(keptTriples())('Cedar and we still answer as recorded: $file', ({ triples }) => {
  const answers = triples.map(({ about, policies, entities, request }) => ({
    about,
    ...answersOf({ policies, entities, requests: [request] }, 1)[0],
  }))
  expect(answers).toEqual(
    triples.map(({ about, request, answer }) => ({ about, request, ours: answer, theirs: answer })),
  )
})

test('at least 200 triples are kept, of every answer', () => {
  const all = keptTriples().flatMap(({ triples }) => triples)
  const answers = all.map(({ answer }) => answer)
  expect(all.length).toBeGreaterThanOrEqual(200)
  expect(answers.filter((answer) => answer === 'refused').length).toBeGreaterThan(0)
  expect(answers.some((answer) => answer !== 'refused' && answer.erred.length > 0)).toBe(true)
  expect(answers.some((answer) => answer !== 'refused' && answer.decision === 'allow')).toBe(true)
})

const USER = { type: 'User', id: 'alice' }
const ASKED = { principal: USER, action: { type: 'Action', id: 'view' }, resource: USER }

test.for(DOCUMENTED)('as Cedar’s documentation says: %s is %s', ([condition, expected]) => {
  const policies = CedarPolicies.parse([{ id: 'p', policy: jsonOf(condition) }])
  const triples: Triples = { policies, entities: [], requests: [{ ...ASKED, context: {} }] }
  const outcome = { allow: 'true', deny: 'false', erred: 'an error' }
  for (const answer of answersOf(triples, 0).flatMap(({ ours, theirs }) => [ours, theirs])) {
    if (answer === 'refused') throw new TypeError('no entity and no context to refuse')
    expect(outcome[answer.erred.length > 0 ? 'erred' : answer.decision]).toBe(expected)
  }
})

function jsonOf(condition: string): unknown {
  const answer = policyToJson(`permit(principal, action, resource) when { ${condition} };`)
  if (answer.type === 'failure') throw new TypeError(answer.errors[0]?.message)
  return answer.json
}

test('what no policy of an action mentions cannot change an answer', () => {
  const random = new Random(7)
  const counts = { mentioned: 0, not: 0 }
  while (counts.not < 1_000) {
    const { policies, entities, requests } = generateTriples(random, 1)
    const [request] = requests
    const engine = compileCedar(CedarPolicies.parse(policies))
    const name = nameFor(random, typeName(random))
    const path = random.once(2) ? [name] : [nameFor(random, 'record'), name]
    if (request === undefined || entities.length > 8) continue
    if (engine.mentions(request.action, path)) {
      counts.mentioned += 1
      continue
    }
    counts.not += 1
    const contexts = [request.context, changedAt(request.context, path)]
    const [before, after] = contexts.map((context) => decideIn(engine, request, context))
    if (before !== null) expect(after).toEqual(before)
  }
  expect(counts.mentioned).toBeGreaterThan(100)
})

type Context = Triples['requests'][number]['context']

/** null for a context that has no value */
function decideIn(engine: CedarEngine, request: Triples['requests'][number], json: Context) {
  const context = recordOfJson(json)
  return context instanceof Fault ? null : engine.decide({ ...request, context }, entityStore([]))
}

/** With something else at a path, where all above it is there; else as it is. */
function changedAt(context: Context, [name = '', ...rest]: readonly string[]): Context {
  if (rest.length === 0) return { ...context, [name]: ['changed'] }
  const inner = context[name]
  return isContext(inner) ? { ...context, [name]: changedAt(inner, rest) } : context
}

function isContext(value: Context[string] | undefined): value is Context {
  if (typeof value !== 'object' || Array.isArray(value)) return false
  return !('__entity' in value || '__extn' in value)
}
