import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLog } from '../agents/platform.ts'
import {
  type Instance,
  openInstance,
  processesOf,
  run,
  runningSessions,
  startRun,
} from './instance.ts'
import {
  cgroupsOf,
  descriptorsOf,
  hostMountsOf,
  isGone,
  loopsOf,
  sandboxProcesses,
  tracesOf,
  type Traces,
} from './traces.ts'

const RUNS = 100
const AT_ONCE = 4
/** What a process of Node may open or close by itself meanwhile. */
const SLACK = 4

let instance: Instance
let processes: Record<string, number>
let workspace: string
beforeAll(async () => {
  instance = await openInstance()
  workspace = join(instance.directory, 'workspace')
  mkdirSync(workspace)
  writeFileSync(join(workspace, 'file'), 'text\n')
  processes = await processesOf(instance)
})
afterAll(async () => instance?.close())

const traces = (): Traces => tracesOf(instance.home, processes['supervisor'] ?? 0)
/** But for id maps, one a block of host ids, which are kept on purpose and at most 256. */
const descriptors = (): Record<string, number> =>
  Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [
      name,
      descriptorsOf(pid).filter((link) => !link.startsWith('user:')).length,
    ]),
  )

/** As many readings in a row that are the same are a platform at rest. */
const AT_REST = 8

/**
 * What there is once nothing is being made ready or taken down: a single reading may catch a
 * launcher or a dying sandbox, which then would be missed as if it belonged there.
 */
async function tracesAtRest(): Promise<Traces> {
  let last = traces()
  let same = 0
  const reading = (): number => {
    const now = traces()
    same = isDeepStrictEqual(now, last) ? same + 1 : 0
    last = now
    return same
  }
  await expect.poll(reading, { interval: 100 }).toBeGreaterThanOrEqual(AT_REST)
  return last
}

/** Once what works behind the scenes (berths made ready, networks taken down) has come to rest. */
async function settled(expected: Partial<Traces>): Promise<void> {
  await expect.poll(traces, { interval: 100 }).toMatchObject(expected)
}

/**
 * In turn: an end by itself that says which host ids it has, a failure, background processes, a
 * death, what cannot be started, files and a request.
 */
const COMMANDS = [
  ['cat', '/proc/self/uid_map'],
  ['sh', '-c', 'exit 3'],
  ['sh', '-c', 'setsid sleep 600 & setsid sleep 600 & exit 0'],
  ['sh', '-c', 'kill -9 $$'],
  ['no-such-command'],
  ['sh', '-c', 'echo x > /tmp/file; curl -s -m 2 http://example.test/; seq 1000'],
]

test(`after ${RUNS} runs, ${AT_ONCE} at a time, nothing is left`, async () => {
  await Promise.all(Array.from({ length: 8 }, () => run(instance, ['true']))) // warm
  await expect.poll(() => runningSessions(instance)).toEqual([])
  const before = await tracesAtRest()
  const descriptorsBefore = descriptors()

  const codes = new Map<number | null, number>()
  const idBlocks = new Set<string>()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < RUNS; i = next++) {
      const flags = i % 2 === 0 ? [] : ['--workspace', workspace]
      const { code, stdout } = await run(instance, COMMANDS[i % COMMANDS.length] ?? [], { flags })
      codes.set(code, (codes.get(code) ?? 0) + 1)
      if (i % COMMANDS.length === 0) idBlocks.add(stdout)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))

  expect(Object.fromEntries(codes)).toEqual({ 0: 50, 3: 17, 127: 16, 137: 17 })
  await settled(before)
  // those that wait, that run and that are being taken down; never one more for each run
  expect(idBlocks.size).toBeLessThanOrEqual(4 * AT_ONCE)
  expect(processes).toEqual(await processesOf(instance))
  const grown = Object.entries(descriptors()).filter(
    ([name, count]) => count > (descriptorsBefore[name] ?? 0) + SLACK,
  )
  expect({ grown, before: descriptorsBefore }).toEqual({ grown: [], before: descriptorsBefore })
})

test('every session that started has ended in the log, which verifies', async () => {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const of = (type: string): number => stdout.split(`"type":"${type}"`).length - 1
  expect(of('session.start')).toBe(RUNS + 8)
  expect(of('session.end')).toBe(RUNS + 8)
  expect(await instance.sekisho('log', 'verify')).toMatchObject({ code: 0 })
})

test('sessions that are killed leave nothing either, whoever kills them', async () => {
  const before = await tracesAtRest()
  const stubborn = ['sh', '-c', 'trap "" TERM HUP; echo ready; while :; do sleep 0.05; done']
  const clients = Array.from({ length: 4 }, () => startRun(instance, stubborn))
  await Promise.all(clients.map(async (client) => client.says('ready')))
  const sessions = await runningSessions(instance)
  const [inside] = sandboxProcesses(instance.home)
  process.kill(inside ?? 0, 'SIGKILL') // whichever: of a session, or of a sandbox that waits
  clients[0]?.process.kill('SIGKILL')
  await Promise.all(sessions.map((session) => instance.sekisho('stop', session)))
  await Promise.all(clients.map(({ ended }) => ended))
  await settled(before)
})

test('a session with changes leaves them and nothing else', async () => {
  const before = await tracesAtRest()
  const flags = ['--workspace', workspace]
  const { stdout } = await run(
    instance,
    ['sh', '-c', 'echo new > added; echo -n $SEKISHO_SESSION'],
    { flags },
  )
  await settled({ ...before, kept: [stdout] })
  const types = (await readLog(instance, stdout)).map(({ type }) => type)
  expect(types).toEqual(['session.start', 'session.end'])
})

test('a stop of the platform in the middle of sessions leaves nothing at all', async () => {
  const stubborn = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']
  const clients = Array.from({ length: 3 }, () => startRun(instance, stubborn))
  await Promise.all(clients.map(async (client) => client.says('ready')))
  const { loops } = traces()
  expect(loops).toBeGreaterThanOrEqual(clients.length)
  await instance.stop()
  const ends = await Promise.all(clients.map(async ({ ended }) => (await ended).code))
  expect(ends.every((code) => code === 137 || code === 125)).toBe(true)
  expect(Object.entries(processes).filter(([, pid]) => !isGone(pid))).toEqual([])
  await expect.poll(() => sandboxProcesses(instance.home)).toEqual([])
  expect(cgroupsOf(instance.home)).toEqual([])
  expect(loopsOf(instance.home)).toEqual([])
  expect(hostMountsOf(instance.home)).toEqual([])
  const verified = await instance.sekisho('log', 'verify')
  expect(verified).toMatchObject({ code: 0, stderr: '' })
})
