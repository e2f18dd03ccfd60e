import { expect, test } from 'vitest'
import { loadBundle } from '../../policy/bundle.ts'
import { RestorePlan } from '../../wire/control.ts'
import type { RestoreRequest } from '../../wire/restore.ts'
import { planRestore } from './run-restore.ts'

const FILE = `
version: 1
name: gardener
rules:
  - { id: pages, effect: allow, host: wiki.example, methods: [DELETE], recovery: { method: PUT } }
secrets:
  - { name: wiki, from: 'env:WIKI', hosts: [wiki.example], header: authorization }
upstreams:
  - { host: wiki.example, address: 192.0.2.7, dialPort: 8443, reason: ours }
budgets: [{ host: wiki.example, distinctUrls: 1 }]
limits: { egressRequests: 2 }
`
const request: RestoreRequest = {
  of: 's-00000000000000000000',
  agent: 'gardener',
  items: ['2', '1'].map((id) => ({
    id,
    recipe: `sha256:${'0'.repeat(64)}`,
    left: { isAbsent: true, content: null, etag: null },
  })),
  isDryRun: false,
  isForced: true,
}
const bundle = loadBundle(new Map([['policy/agents/gardener.yaml', FILE]]), [])

const plan = planRestore(
  request,
  { session: 's-99999999999999999999', connection: 7, uid: 1000 },
  { number: 3, bundle },
)

test('a restore has its agent’s secrets and upstreams, and is its operator’s', () => {
  expect(RestorePlan.parse(plan)).toEqual(plan)
  expect(plan).toMatchObject({
    session: 's-99999999999999999999',
    connection: 7,
    agent: 'gardener',
    argv: ['sekisho', 'restore', 's-00000000000000000000'],
    decision: { generation: 3, agent: 'gardener', uid: 1000 },
    secrets: [{ binding: { name: 'wiki', hosts: ['wiki.example'] } }],
    upstreams: [{ host: 'wiki.example', address: '192.0.2.7' }],
    request,
  })
})

test('what bounds the agent does not bound whoever mends what it did', () => {
  expect(plan.egress.budgets).toEqual([])
  expect(plan.egress.provenance).toBeNull()
  expect(plan.limits).toMatchObject({ egressRequests: 6, egressBytes: 18 * 1024 * 1024 })
})

test('an agent that the bundle has not any more has no secrets to restore with', () => {
  const operator = { session: 's-99999999999999999999', connection: 7, uid: 1000 }
  expect(() =>
    planRestore({ ...request, agent: 'nobody' }, operator, { number: 3, bundle }),
  ).toThrow('no agent `nobody`')
})
