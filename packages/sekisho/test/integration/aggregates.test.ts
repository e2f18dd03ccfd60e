import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, processesOf, run } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const TRANSFER = '/transfers'
const ORDER = '/orders'
/** each by itself: YAML would write an anchor for what is the same object */
const orders = (): object => ({
  of: { operation: 'shop.order' },
  measure: 'sum',
  argument: 'price',
  per: 'agent',
})

let upstream: Upstream
let directory: string
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-aggregates-'))
  upstream = await startUpstream(directory)
  instance = await openInstance({
    agents: { client: clientAgent(upstream) },
    bundle: {
      'operations/bank.yaml': {
        version: 1,
        operations: [
          {
            id: 'bank.transfer',
            host: UPSTREAM_HOST,
            methods: ['POST'],
            paths: [TRANSFER],
            arguments: 'json',
            parameters: {
              type: 'object',
              properties: { amount: { type: 'integer', minimum: 1, maximum: 1000 } },
              required: ['amount'],
            },
            reversibility: 'reversible',
            consequence: 'low',
          },
          {
            id: 'shop.order',
            host: UPSTREAM_HOST,
            methods: ['POST'],
            paths: [ORDER],
            arguments: 'json',
            parameters: { type: 'object', properties: { price: { type: 'integer' } } },
            reversibility: 'reversible',
            consequence: 'low',
          },
        ],
      },
      'constraints.yaml': {
        version: 1,
        constraints: [
          {
            id: 'transfers',
            of: { operation: 'bank.transfer' },
            measure: 'sum',
            argument: 'amount',
            between: [1, 1000],
            per: 'agent',
            window: '24h',
            max: 9000,
          },
          { id: 'orders', ...orders(), between: [0, 1000], max: 1500 },
          { id: 'small-orders', ...orders(), between: [0, 400], max: 100_000 },
        ],
      },
    },
  })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

/** Posts bodies one after the other from one session. @returns the status of each */
async function post(path: string, bodies: readonly unknown[]): Promise<string[]> {
  const script = `for body in "$@"; do
    curl -s -m 8 -o /dev/null -w '%{http_code}\\n' -H 'content-type: application/json' \\
      -d "$body" https://${UPSTREAM_HOST}${path}; done`
  const command = ['sh', '-c', script, 'sh', ...bodies.map((body) => JSON.stringify(body))] as const
  const { code, stdout, stderr } = await run(instance, [...command], {
    flags: ['--agent', 'client'],
  })
  if (code !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

const transfer = (...amounts: readonly number[]): Promise<string[]> =>
  post(
    TRANSFER,
    amounts.map((amount) => ({ amount })),
  )

const Line = z.looseObject({
  leaf: z.looseObject({
    type: z.string(),
    verdict: z.looseObject({ rules: z.array(z.string()) }).optional(),
  }),
})

/** How often the log has a denial by this rule. */
async function denials(rule: string): Promise<number> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.trim().split('\n')
  return lines.filter((line) => {
    const { leaf } = Line.parse(JSON.parse(line))
    return leaf.verdict?.rules.includes(rule) === true
  }).length
}

const sent = (): number => upstream.arrived().filter((path) => path === TRANSFER).length

test('ten transfers of 999, each of them allowed, come to more than 9,000 and stop at the tenth', async () => {
  expect(await transfer(...Array.from({ length: 10 }, () => 999))).toEqual([
    ...Array.from({ length: 9 }, () => '200'),
    '403',
  ])
  expect(sent()).toBe(9)
  expect(await denials('constraint.transfers')).toBe(1)
})

test('another session of the agent has what is left, and no more', async () => {
  expect(await transfer(10, 9, 1)).toEqual(['403', '200', '403'])
  expect(sent()).toBe(10)
})

test('a control that is killed forgets nothing of it', async () => {
  const before = (await processesOf(instance))['control'] ?? 0
  expect(before).toBeGreaterThan(1)
  process.kill(before, 'SIGKILL')
  await expect
    .poll(async () => transfer(1).catch(() => ['not yet']), { interval: 100 })
    .toEqual(['403'])
  expect(sent()).toBe(10)
})

test('of orders without a price the solver says how many there is room for', async () => {
  // each may cost up to 1,000 by the one constraint, and up to 400 by the other
  expect(await post(ORDER, [{}, {}, {}, {}])).toEqual(['200', '200', '200', '403'])
  expect(upstream.arrived().filter((path) => path === ORDER)).toHaveLength(3)
  expect(await denials('constraint.orders')).toBe(1)
})
