import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, processesOf, run } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const PATH = '/v1/messages'

const REPLY = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-test',
  content: [{ type: 'text', text: 'done' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1000, output_tokens: 100 },
})

let upstream: Upstream
let directory: string
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-llm-budgets-'))
  upstream = await startUpstream(directory, () => REPLY)
  const rate = { input: '3.00 USD', cacheRead: '0.30 USD', cacheWrite: '3.75 USD' }
  instance = await openInstance({
    agents: { client: clientAgent(upstream) },
    bundle: {
      'models.yaml': {
        version: 1,
        providers: [{ id: 'maker', api: 'messages', url: `https://${UPSTREAM_HOST}/v1` }],
      },
      'prices.yaml': {
        version: 1,
        prices: [
          {
            model: 'claude-test',
            ...rate,
            output: '15.00 USD',
            maxOutputTokens: '8K',
            from: '2026-01-01',
          },
        ],
      },
      // each call comes to 0.0045 USD, and at most to some 0.013
      'budgets.yaml': {
        version: 1,
        budgets: [
          { id: 'daily', per: 'agent', calendar: 'month', max: { calls: 3 } },
          { id: 'money', per: 'agent', calendar: 'month', max: { money: '0.025 USD' } },
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

/** Asks for replies, one after the other from one session. @returns the status of each */
async function ask(count: number): Promise<string[]> {
  const body = JSON.stringify({
    model: 'claude-test',
    max_tokens: 300,
    messages: [{ role: 'user', content: 'hello' }],
  })
  const script = `for i in $(seq ${count}); do
    curl -s -m 8 -o /dev/null -w '%{http_code}\\n' -H 'content-type: application/json' \\
      -d "$1" https://${UPSTREAM_HOST}${PATH}; done`
  const { code, stdout, stderr } = await run(instance, ['sh', '-c', script, 'sh', body], {
    flags: ['--agent', 'client'],
  })
  if (code !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

const Budgets = z.object({ budgets: z.array(z.looseObject({})) })
const Spend = z.looseObject({ sum: z.looseObject({}) })
const json = async <T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> =>
  schema.parse(JSON.parse((await instance.sekisho(...args, '--json')).stdout))

test('calls of a model stop where their budget ends, and every one is on record with its cost', async () => {
  expect(await ask(5)).toEqual(['200', '200', '200', '402', '402'])
  expect(upstream.arrived()).toEqual([PATH, PATH, PATH])
  expect(await json(Spend, 'llm', 'spend', '--by', 'agent')).toMatchObject({
    rows: [{ key: 'client', calls: 3, input: 3000, output: 300, microUsd: 13_500, unpriced: 0 }],
    sum: { microUsd: 13_500 },
  })
  expect(await json(Budgets, 'llm', 'budgets')).toMatchObject({
    budgets: [
      {
        budget: 'daily',
        per: 'agent',
        subject: 'client',
        measure: 'calls',
        max: 3,
        taken: 3,
        inFlight: 0,
        breaker: 'open',
      },
      { budget: 'money', measure: 'microUsd', max: 25_000, taken: 13_500, inFlight: 0 },
    ],
  })
  const { stdout } = await instance.sekisho('log', 'query', '--type', 'budget.breaker')
  expect(stdout).toContain('BUDGET daily is exhausted for agent client')
  expect((await instance.sekisho('log', 'verify')).stdout).toMatch(/^sound: /)
})

test('a control that is killed forgets nothing of it', async () => {
  const before = (await processesOf(instance))['control'] ?? 0
  expect(before).toBeGreaterThan(1)
  process.kill(before, 'SIGKILL')
  await expect.poll(async () => ask(1).catch(() => ['not yet']), { interval: 100 }).toEqual(['402'])
  expect(upstream.arrived()).toHaveLength(3)
})
