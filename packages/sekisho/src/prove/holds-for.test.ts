import { afterAll, beforeAll, expect, test } from 'vitest'
import { INVARIANTS } from '../policy/invariants/compiled.ts'
import { type Decided, type Holding, holdsFor } from './holds-for.ts'
import { lintPolicies } from './lint.ts'
import { SPECIFICATIONS } from './specification.ts'
import { DEFAULTS, parsePolicies, rule, SCHEMA } from './testing/default-policy.ts'
import { Z3 } from './z3.ts'

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

const now = (): number => performance.now()
const PERMIT_ALL = parsePolicies('permit (principal, action, resource);')

async function proofsOf(decided: Partial<Decided>): Promise<Record<string, string>> {
  const all = { schema: SCHEMA, policies: DEFAULTS, rules: null, ...decided }
  const proofs: Record<string, string> = {}
  for (const specification of SPECIFICATIONS) {
    proofs[specification.id] = shown(
      await holdsFor(all, specification, { ask: z3.ask, timeoutMs: 60_000, now }),
    )
  }
  return proofs
}

function shown(holding: Holding): string {
  return holding.kind === 'proven' ? `by ${holding.by}` : holding.kind
}

test('what the platform promises is proven of the default bundle', async () => {
  expect(await proofsOf({})).toEqual({
    irreversible: 'by policies',
    critical: 'by policies',
    unconfirmed: 'by policies',
    'secret-flow': 'by invariants',
    administration: 'by invariants',
    'user-disabled': 'by policies',
    grants: 'by policies',
  })
})

test('and of a bundle that permits everything', async () => {
  expect(await proofsOf({ policies: PERMIT_ALL })).toEqual({
    irreversible: 'by invariants',
    critical: 'by invariants',
    unconfirmed: 'by invariants',
    'secret-flow': 'by invariants',
    administration: 'by invariants',
    'user-disabled': 'by invariants',
    grants: 'by policies',
  })
})

test.for(INVARIANTS.map(({ id }) => id))(
  'without %s its promise is broken, and no other',
  async (gone) => {
    const invariants = INVARIANTS.filter(({ id }) => id !== gone)
    const proofs = await proofsOf({ policies: PERMIT_ALL, invariants })
    const broken = Object.entries(proofs).filter(([, proof]) => !proof.startsWith('by '))
    expect(broken).toEqual([[gone.replace('invariant.', ''), 'violated']])
  },
)

test('a broken promise is shown as a request', async () => {
  const [first] = SPECIFICATIONS
  if (first === undefined) throw new Error('nothing is promised')
  const decided = {
    schema: SCHEMA,
    policies: PERMIT_ALL,
    rules: [rule('a', 'x.example')],
    invariants: [],
  }
  const holding = await holdsFor(decided, first, { ask: z3.ask, timeoutMs: 60_000, now })
  expect(holding).toMatchObject({
    kind: 'violated',
    counterexample: {
      action: 'http.request',
      values: {
        resource: 'x.example',
        'context.http.scheme': 'https',
        'context.http.port': 443,
        'context.facts.reversibility': 'irreversible',
        'context.facts.effect': 'external',
        'context.facts.approvals': [],
      },
    },
  })
})

test('nothing of the default bundle is odd', async () => {
  const report = await lintPolicies(
    { schema: SCHEMA, policies: DEFAULTS },
    { ask: z3.ask, timeoutMs: 10_000, now },
  )
  expect(report).toEqual({ lints: [], unsettled: [], tookMs: expect.any(Number) })
})

test('what an author can hardly have meant is said', async () => {
  const policies = parsePolicies(`
    @id("never") permit (principal, action == Sekisho::Action::"http.request", resource)
      when { context.http.method == "GET" && context.http.method == "POST" };
    @id("word") forbid (principal, action, resource) when { context.facts.effect == "outside" };
    @id("fails") forbid (principal, action == Sekisho::Action::"http.request", resource)
      when { context.http.port + 9007199254740991 * 1024 * 1024 > 0 && context.http.port >= 0 };
    @id("host") permit (principal, action == Sekisho::Action::"http.request", resource)
      when { resource.name like "*.api.example" };
    @id("zone") permit (principal, action == Sekisho::Action::"http.request", resource)
      when { resource.name like "*.example" };
    @id("secret") permit (principal, action, resource)
      when { context.facts.confidentiality == "secret" && context.facts.effect == "external" };
    @id("closed") forbid (principal, action, resource)
      when { context.facts.confidentiality == "secret" };`)
  const report = await lintPolicies(
    { schema: SCHEMA, policies },
    { ask: z3.ask, timeoutMs: 10_000, now },
  )
  expect(report.unsettled).toEqual([])
  expect(report.lints).toEqual([
    { kind: 'never-matches', policy: 'never' },
    { kind: 'never-matches', policy: 'word' },
    { kind: 'always-errors', policy: 'fails' },
    { kind: 'already-permitted', policy: 'host', by: 'zone' },
    { kind: 'always-forbidden', policy: 'secret', by: 'closed' },
  ])
})

test('what is late is not proven', async () => {
  const [first] = SPECIFICATIONS
  if (first === undefined) throw new Error('nothing is promised')
  let ms = 0
  const decided = { schema: SCHEMA, policies: PERMIT_ALL, rules: null }
  const late = await holdsFor(decided, first, { ask: z3.ask, timeoutMs: 1, now: () => (ms += 10) })
  expect(late).toEqual({
    kind: 'not-proven',
    why: expect.stringContaining('within'),
    tookMs: expect.any(Number),
  })
})
