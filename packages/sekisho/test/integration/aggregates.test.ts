import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, processesOf, run } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const RESTART_MS = 5000
const TRANSFER = '/transfers'

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

/** Sends transfers one after the other from one session. @returns the status of each */
async function transfer(...amounts: readonly number[]): Promise<string[]> {
  const script = `for amount in ${amounts.join(' ')}; do
    curl -s -m 8 -o /dev/null -w '%{http_code}\\n' -H 'content-type: application/json' \\
      -d "{\\"amount\\":$amount}" https://${UPSTREAM_HOST}${TRANSFER}; done`
  const { code, stdout, stderr } = await run(instance, ['sh', '-c', script], {
    flags: ['--agent', 'client'],
  })
  if (code !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

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
    .poll(async () => transfer(1).catch(() => ['not yet']), { timeout: RESTART_MS, interval: 100 })
    .toEqual(['403'])
  expect(sent()).toBe(10)
})
