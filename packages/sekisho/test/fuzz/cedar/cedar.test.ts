import { policyToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import { type CedarEngine, compileCedar } from '../../../src/policy/cedar/engine.ts'
import { recordOfJson } from '../../../src/policy/cedar/value-json.ts'
import { Fault } from '../../../src/policy/cedar/value.ts'
import { entityStore } from '../../../src/policy/cedar/entities.ts'
import { CedarPolicies } from '../../../src/wire/cedar.ts'
import { Random } from '../random.ts'
import { DOCUMENTED } from './documented.ts'
import { keptTriples } from './kept.ts'
import { answersOf, runCedar } from './run-cedar.ts'
import { generateTriples, type Triples } from './triple.ts'

/** the same triples every time; `npm run fuzz -- --cedar` goes on to others */
const SEEDS = [20_261_122, 4_242]
const RUNS = 1_000

test.for(SEEDS)('Cedar and we answer generated triples the same: seed %i', (seed) => {
  const run = runCedar({ seed, until: (runs) => runs >= RUNS })
  expect(run.differences).toEqual([])
  expect(run.runs).toBe(RUNS)
  for (const count of Object.values(run.answers)) expect(count).toBeGreaterThan(RUNS / 100)
})

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
  while (counts.not < 2_000) {
    const { policies, entities, requests } = generateTriples(random, 1)
    const [request] = requests
    const mine = policies.slice(0, 1 + random.below(3))
    const engine = compileCedar(CedarPolicies.parse(mine))
    const path = ['facts', random.pick(['n', 's', 'on', 'ip'])].slice(0, 1 + random.below(2))
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
  expect(counts.mentioned).toBeGreaterThan(200)
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
