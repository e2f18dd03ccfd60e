import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Client, type Instance, openInstance, processesOf, run, startRun } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const KILLS = 5
const LANES = 12
const CLIENT = ['--agent', 'client']

let directory: string
let upstream: Upstream
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-upstream-'))
  upstream = await startUpstream(directory)
  instance = await openInstance({ agents: { client: clientAgent(upstream) } })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

/** Asks as fast as it can in several lanes, half of them on new connections, until stdin ends. */
const HAMMER = `
const https = require('node:https')
const keep = new https.Agent({ keepAlive: true, maxSockets: ${LANES} })
let running = true, next = 0, answered = 0, refused = 0
process.stdin.on('end', () => { running = false }).resume()
const ask = (agent) => new Promise((done) => {
  const request = https.request({ host: '${UPSTREAM_HOST}', path: '/n/' + next++, agent, timeout: 12000, method: 'POST' }, (reply) => {
    reply.resume()
    reply.on('close', () => { reply.statusCode === 200 ? answered++ : refused++; done() })
  })
  request.on('timeout', () => request.destroy())
  request.on('error', () => { refused++; setTimeout(done, 5) })
  request.end('x'.repeat(100))
})
const lane = async (agent) => { while (running) { await ask(agent); if (answered === 40) console.log('warm') } }
Promise.all(Array.from({ length: ${LANES} }, (_, i) => lane(i % 2 === 0 ? keep : false)))
  .then(() => { console.log(JSON.stringify({ asked: next, answered, refused })); process.exit(0) })
`
const Tally = z.object({ asked: z.int(), answered: z.int(), refused: z.int() })

async function hammer(): Promise<Client> {
  const client = startRun(instance, ['/opt/node/node', '-e', HAMMER], { flags: CLIENT })
  await client.says('warm')
  return client
}

const IntentOf = z.object({
  leaf: z.looseObject({
    type: z.literal('action.intent'),
    action: z.object({ kind: z.literal('http.request'), path: z.string() }).loose(),
    verdict: z.object({ kind: z.literal('allow') }).loose(),
  }),
})

/** How often the log says that each path was let out. */
async function recorded(): Promise<Map<string, number>> {
  const { code, stdout, stderr } = await instance.sekisho('log', 'show', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const counts = new Map<string, number>()
  for (const line of stdout.split('\n')) {
    const parsed = line === '' ? undefined : IntentOf.safeParse(JSON.parse(line))
    const path = parsed?.data?.leaf.action.path
    if (path !== undefined) counts.set(path, (counts.get(path) ?? 0) + 1)
  }
  return counts
}

/** Requests that arrived more often than the log says they were let out. */
async function unrecorded(): Promise<string[]> {
  const left = await recorded()
  return upstream.arrived().filter((path) => {
    const count = left.get(path) ?? 0
    left.set(path, count - 1)
    return count < 1
  })
}

const keyholder = async (): Promise<number> => (await processesOf(instance))['keyholder'] ?? 0

async function waitForSuccessorOf(before: number): Promise<void> {
  const now = async (): Promise<number> => keyholder().catch(() => before)
  await expect.poll(now, { interval: 50 }).not.toBe(before)
  const answers = async (): Promise<number | null> => (await run(instance, ['true'])).code
  await expect.poll(answers, { interval: 50 }).toBe(0)
}

test(`no request leaves unrecorded while the keyholder is killed ${KILLS} times`, async () => {
  const client = await hammer()
  for (let i = 0; i < KILLS; i++) {
    const pid = await keyholder()
    await pass(Math.random() * 60) // where in a request it hits is left to chance
    process.kill(pid, 'SIGKILL')
    await waitForSuccessorOf(pid)
    const arrivedBefore = upstream.arrived().length
    await expect.poll(() => upstream.arrived().length).toBeGreaterThan(arrivedBefore)
  }
  client.process.stdin?.end()
  const { code, stdout, stderr } = await client.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { answered, refused } = Tally.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
  expect(answered).toBeGreaterThan(100)
  expect(refused).toBeGreaterThan(0)
  expect(upstream.arrived().length).toBeGreaterThanOrEqual(answered)
  expect(await unrecorded()).toEqual([])
  expect(await instance.sekisho('log', 'verify')).toMatchObject({ code: 0, stderr: '' })
})

/**
 * A process that runs already (an exec would need a record of its own) and asks for each path that
 * it reads on stdin, each on a connection of its own.
 */
const ASKING = `
const https = require('node:https')
const ask = ([path, seconds]) => {
  const timeout = seconds * 1000
  const request = https.request({ host: '${UPSTREAM_HOST}', path, agent: false, timeout }, (reply) => {
    reply.resume().on('close', () => console.log(path + ' got ' + reply.statusCode))
  })
  request.on('finish', () => console.log(path + ' sent'))
  request.on('timeout', () => request.destroy(new Error('timeout')))
  request.on('error', (error) => console.log(path + ' failed ' + error.message))
  request.end()
}
require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => ask(line.split(' '))).on('close', () => {})
`

async function asking(): Promise<Client> {
  const client = startRun(instance, ['/opt/node/node', '-e', ASKING], { flags: CLIENT })
  client.process.stdin?.write('/warm 8\n') // the gate's certificate is made: the next is only recorded
  await client.says('/warm got 200')
  return client
}

test('while the keyholder stands still, nothing leaves', async () => {
  const pid = await keyholder()
  const client = await asking()
  process.kill(pid, 'SIGSTOP')
  try {
    client.process.stdin?.write('/frozen 2\n/patient 30\n')
    await client.says('/frozen failed timeout')
    expect(upstream.arrived().filter((path) => /frozen|patient/.test(path))).toEqual([])
  } finally {
    process.kill(pid, 'SIGKILL') // a stopped process dies of it too
  }
  await waitForSuccessorOf(pid)
  client.process.stdin?.end()
  // refused when its record was lost with the keyholder, or answered by leave of the new one
  expect((await client.ended).stdout).toMatch(/^\/patient (got (502|503|200)|failed .*)$/m)
  expect(await unrecorded()).toEqual([])
})

test('a keyholder that wakes again answers for what it had been asked, and the log holds it', async () => {
  const pid = await keyholder()
  const client = await asking()
  process.kill(pid, 'SIGSTOP')
  client.process.stdin?.write('/woken 20\n')
  await client.says('/woken sent')
  expect(upstream.arrived()).not.toContain('/woken')
  process.kill(pid, 'SIGCONT')
  await client.says('/woken got 200')
  client.process.stdin?.end()
  expect(await client.ended).toMatchObject({ code: 0 })
  expect(upstream.arrived()).toContain('/woken')
  expect(await unrecorded()).toEqual([])
})

test('while the keyholder stands still, no program is started; when it is back, each is on record', async () => {
  const pid = await keyholder()
  const script =
    'echo "$SEKISHO_SESSION"; while read p; do "$p" && echo "$p ran" || echo "$p $?"; done'
  const client = startRun(instance, ['sh', '-c', script])
  await client.says('\n')
  const session = client.said().trim()
  const programs = ['/usr/bin/true', '/usr/bin/hostname', '/usr/bin/id']
  const [before, meanwhile, after] = programs
  client.process.stdin?.write(`${before}\n`)
  await client.says(`${before} ran`)
  process.kill(pid, 'SIGSTOP')
  try {
    client.process.stdin?.write(`${meanwhile}\n`)
    await client.says(`${meanwhile} 126`)
  } finally {
    process.kill(pid, 'SIGKILL')
  }
  await waitForSuccessorOf(pid)
  client.process.stdin?.end(`${after}\n`)
  const { stdout, stderr } = await client.ended
  expect({ stdout, stderr }).toMatchObject({
    stdout: expect.stringContaining(`${after} ran\n`),
    stderr: expect.stringContaining('Operation not permitted'),
  })
  const { stdout: log } = await instance.sekisho('log', 'show', '--session', session, '--json')
  const execs = log.split('\n').flatMap((line) => {
    const parsed = line === '' ? undefined : ExecOf.safeParse(JSON.parse(line))
    return parsed?.success === true && programs.includes(parsed.data.leaf.path)
      ? [`${parsed.data.leaf.path} ${parsed.data.leaf.verdict.kind}`]
      : []
  })
  expect(execs).toEqual([`${before} allow`, `${after} allow`])
})

const ExecOf = z.object({
  leaf: z.looseObject({
    type: z.literal('process.exec'),
    path: z.string(),
    verdict: z.looseObject({ kind: z.string() }),
  }),
})
