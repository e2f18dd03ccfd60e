import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { connect } from '../../src/cli/client.ts'
import { api } from '../../src/wire/api.ts'
import {
  environmentOf,
  type Instance,
  LAUNCHER,
  openInstance,
  start,
  startRun,
} from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

/** `SEKISHO_LOAD_SECONDS=10` for the figures of docs/guides/policy-changes.md. */
const LOAD_MS = Number(process.env['SEKISHO_LOAD_SECONDS'] ?? 3) * 1000
const REQUESTS_PER_SECOND = 1000
const EDIT_EVERY_MS = 250
/** However long each takes. */
const LEAST_EDITS = 6

/** Two bundles: each allows `/shared/**` and one directory of its own. */
const BUNDLES = ['a', 'b'] as const
type Name = (typeof BUNDLES)[number]

let directory: string
let upstream: Upstream
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-upstream-'))
  upstream = await startUpstream(directory)
  instance = await openInstance({ agents: { client: agentOf('a') } })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

function agentOf(name: Name): Record<string, unknown> {
  const paths = ['/shared/**', `/${name}/**`]
  const rules = [{ id: `only-${name}`, effect: 'allow', host: UPSTREAM_HOST, paths }]
  return { ...z.record(z.string(), z.unknown()).parse(clientAgent(upstream)), rules }
}

/** Sends at a fixed rate, whatever comes back, over connections that stay open, until stdin ends. */
const LOAD = `
const https = require('node:https')
const agent = new https.Agent({ keepAlive: true, maxSockets: 64 })
const paths = ['shared', 'a', 'shared', 'b']
const seen = {}
const count = (what) => { seen[what] = (seen[what] ?? 0) + 1 }
let running = true, next = 0, open = 0, worst = 0
process.stdin.on('end', () => { running = false }).resume()
const ask = () => {
  const path = paths[next % 4], at = performance.now()
  open++
  const request = https.get({ host: '${UPSTREAM_HOST}', path: '/' + path + '/' + next++, agent, timeout: 60000 }, (reply) => {
    reply.resume()
    reply.on('close', () => {
      count(path + ' ' + (reply.complete ? reply.statusCode : 'cut'))
      worst = Math.max(worst, performance.now() - at)
      open--
    })
  })
  request.on('timeout', () => request.destroy())
  request.on('error', (error) => { count(path + ' ' + error.code); open-- })
}
const startMs = performance.now()
let warm = false
const tick = () => {
  const due = Math.floor((performance.now() - startMs) * ${REQUESTS_PER_SECOND} / 1000)
  for (let i = next; running && i < due; i++) ask()
  if (!warm && (seen['shared 200'] ?? 0) > 40) { warm = true; console.log('warm') }
  if (running || open > 0) return setTimeout(tick, 2)
  console.log(JSON.stringify({ asked: next, seconds: (performance.now() - startMs) / 1000, worst, seen }))
  process.exit(0)
}
tick()
`
const Tally = z.object({
  asked: z.int(),
  seconds: z.number(),
  worst: z.number(),
  seen: z.record(z.string(), z.int()),
})

/** Which bundle each generation is, by what a reload said. */
type Generations = Map<number, Name>

/** Edits the agent file again and again, and has each edit come into force. */
async function flip(generations: Generations): Promise<{ closed: number; reloadMs: number[] }> {
  const peer = await connect(join(instance.home, 'run/api.sock'), api)
  const file = join(instance.home, 'policy/agents/client.yaml')
  const until = performance.now() + LOAD_MS
  const reloadMs: number[] = []
  let closed = 0
  for (let turn = 1; turn <= LEAST_EDITS || performance.now() < until; turn += 1) {
    const name = BUNDLES[turn % 2] ?? 'a'
    const startedMs = performance.now()
    await writeFile(file, stringify(agentOf(name)))
    const reloaded = await peer.call('policy.reload', {}, { timeoutMs: 30_000 })
    reloadMs.push(performance.now() - startedMs)
    generations.set(reloaded.generation, name)
    closed += reloaded.closed
    await pass(Math.max(0, EDIT_EVERY_MS - (performance.now() - startedMs)))
  }
  peer.close()
  return { closed, reloadMs }
}

const Intent = z.object({
  leaf: z.looseObject({
    type: z.literal('action.intent'),
    action: z.looseObject({ kind: z.literal('http.request'), path: z.string() }),
    verdict: z.looseObject({ kind: z.string(), rules: z.array(z.string()) }),
    generation: z.int().optional(),
  }),
})

type Decided = { path: string; verdict: string; rules: string[]; generation: number | undefined }

async function decided(): Promise<Decided[]> {
  const shown = start([LAUNCHER, 'log', 'show', '--json'], { env: environmentOf(instance.home) })
  const { code, stdout, stderr } = await shown.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').flatMap((line) => {
    const parsed = line === '' ? undefined : Intent.safeParse(JSON.parse(line))
    if (parsed?.data === undefined) return []
    const { action, verdict, generation } = parsed.data.leaf
    return [{ path: action.path, verdict: verdict.kind, rules: verdict.rules, generation }]
  })
}

/** What the bundle of that generation, and no other, says of the path. */
function expected({ path, generation }: Decided, generations: Generations): string {
  const name = generations.get(generation ?? 0)
  if (name === undefined) return `generation ${generation} was never in force`
  return path.startsWith('/shared/') || path.startsWith(`/${name}/`) ? `allow only-${name}` : 'deny'
}

function said({ verdict, rules }: Decided): string {
  return verdict === 'allow' ? `allow ${rules.join(' ')}` : verdict
}

test(`an edit every ${EDIT_EVERY_MS} ms under ${REQUESTS_PER_SECOND} requests a second: each is decided by one generation, and none fails that both allow`, async () => {
  const client = startRun(instance, ['/opt/node/node', '-e', LOAD], {
    flags: ['--agent', 'client'],
  })
  await client.says('warm')
  const generations: Generations = new Map([[1, 'a']])
  const { closed, reloadMs } = await flip(generations)
  client.process.stdin?.end()
  const { code, stdout, stderr } = await client.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const tally = Tally.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))

  const intents = (await decided()).filter(
    ({ rules }) => !rules.includes('invariant.policy-changed'),
  )
  const mixed = intents.filter((one) => said(one) !== expected(one, generations))
  expect(mixed).toEqual([])
  expect(Object.keys(tally.seen).filter((what) => what.startsWith('shared'))).toEqual([
    'shared 200',
  ])
  // both were in force under load, and each was asked for what only the other allows
  expect(generations.size).toBeGreaterThan(4)
  const ways = new Set(intents.map((one) => `${one.path.split('/')[1]} ${said(one)}`))
  expect([...ways].toSorted()).toEqual([
    'a allow only-a',
    'a deny',
    'b allow only-b',
    'b deny',
    'shared allow only-a',
    'shared allow only-b',
  ])
  report({ ...tally, intents: intents.length, generations: generations.size, closed, reloadMs })
})

/** For whoever writes the figures down. */
function report({ reloadMs, ...rest }: Record<string, unknown> & { reloadMs: number[] }): void {
  if (process.env['SEKISHO_LOAD_SECONDS'] === undefined) return
  const sorted = reloadMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  process.stderr.write(
    `${JSON.stringify({ ...rest, reloadP50Ms: at(0.5), reloadP99Ms: at(0.99) })}\n`,
  )
}
