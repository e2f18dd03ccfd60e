import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { type Ended, type Instance, openInstance, startRun } from './instance.ts'
import { clientAgent, startUpstream, UPSTREAM_HOST, type Upstream } from './recording-upstream.ts'

const MIB = 1024 * 1024
/** each meets one limit, and has room enough for everything else */
const LIMITS = {
  bomb: { pids: 40, wallClock: '4s' },
  hog: { memory: '96MiB' },
  spinner: { cpus: 0.1 },
  sleeper: { wallClock: '1s' },
  tmp: { tmp: '2MiB' },
  shm: { tmp: '2MiB' },
  files: { tmpInodes: 300 },
  disk: { disk: '16MiB' },
  inodes: { diskInodes: 256 },
  hoarder: { openFiles: 64 },
}

let instance: Instance
let upstream: Upstream
let outside: string
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'sekisho-limits-'))
  upstream = await startUpstream(outside)
  const plain = Object.entries(LIMITS).map(([name, limits]) => [
    name,
    { version: 1, name, presets: 'none', limits },
  ])
  const client = z.looseObject({ limits: z.looseObject({}) }).parse(clientAgent(upstream))
  const agents = {
    ...Object.fromEntries(plain),
    uploader: { ...client, name: 'uploader', limits: { egress: '256KiB' } },
    caller: { ...client, name: 'caller', limits: { egressRequests: 3 } },
  }
  // what it answers is the operator's own, so that sending on is nobody's concern but the limits'
  const label = { host: UPSTREAM_HOST, integrity: 'trusted', confidentiality: 'public' }
  const bundle = { 'hosts.yaml': { version: 1, hosts: [label] } }
  instance = await openInstance({ agents, bundle })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(outside, { recursive: true, force: true })
})

const Entry = z.object({ leaf: z.looseObject({ type: z.string() }) })
type Leaf = z.infer<typeof Entry>['leaf']
const EndLeaf = z.looseObject({ reason: z.string(), counters: z.record(z.string(), z.number()) })

type Attack = { ended: Ended; leaves: Leaf[]; breaches: Leaf[]; end: z.infer<typeof EndLeaf> }

/** One session of an agent, to its end leaf. Its stdin ends once it has met `limit`. */
async function attack(agent: string, command: readonly string[], limit?: string): Promise<Attack> {
  const workspace = join(instance.directory, `workspace-${agent}`)
  await mkdir(workspace, { recursive: true })
  const client = startRun(instance, command, {
    flags: ['--agent', agent, '--workspace', workspace],
  })
  // `expect.poll` knows one test at a time, and these run side by side
  const holds = (isSo: (leaf: Leaf) => boolean): Promise<unknown> =>
    vi.waitUntil(async () => (await lastSessionOf(agent)).some(isSo), {
      interval: 200,
      timeout: 60_000,
    })
  if (limit !== undefined) {
    await holds((leaf) => leaf.type === 'limit.breach' && leaf['limit'] === limit)
  }
  client.process.stdin?.end()
  const ended = await client.ended
  await holds(({ type }) => type === 'session.end')
  const leaves = await lastSessionOf(agent)
  const end = EndLeaf.parse(leaves.at(-1))
  expect(end.counters['session.processesLeft']).toBe(0)
  return {
    ended,
    leaves,
    breaches: leaves.filter(({ type }) => type === 'limit.breach'),
    end,
  }
}

async function lastSessionOf(agent: string): Promise<Leaf[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  const leaves = lines.map((line) => Entry.parse(JSON.parse(line)).leaf)
  const start = leaves.findLast(
    ({ type, ...of }) => type === 'session.start' && of['agent'] === agent,
  )
  return leaves.filter((leaf) => leaf['session'] === start?.['session'])
}

const bash = (script: string): string[] => ['bash', '-c', script]
const hits = expect.any(Number)
const breach = (limit: string, configured: number, did: string): unknown =>
  expect.objectContaining({ type: 'limit.breach', limit, configured, observed: hits, did })

test('a fork bomb that ignores signals is bounded, recorded, and gone when its time is over', async () => {
  const { breaches, end } = await attack(
    'bomb',
    bash('trap "" TERM; bomb() { bomb | bomb & bomb; }; bomb 2>/dev/null; sleep 1000'),
  )
  expect(breaches).toContainEqual(breach('pids', 40, 'refused'))
  expect(end.counters['session.pidsPeak']).toBeLessThanOrEqual(40)
})

test.concurrent('a memory filler ends its session, which says so', async () => {
  const { ended, breaches, end } = await attack(
    'hog',
    bash('setsid sleep 1000 & exec python3 -c "x = bytearray(500 * 1024 * 1024)"'),
  )
  expect(ended.code).toBe(137)
  expect(breaches).toEqual([breach('memory', 96 * MIB, 'killed')])
  expect(end.reason).toBe('limit')
  expect(end.counters['session.memoryPeakBytes']).toBeLessThanOrEqual(96 * MIB)
})

test('a spinner gets its share', async () => {
  const startedAtMs = performance.now()
  const { breaches, end } = await attack(
    'spinner',
    bash('timeout -s KILL 3 sh -c "while :; do :; done"; exit 0'),
  )
  expect(breaches).toContainEqual(breach('cpu', 100, 'throttled'))
  const tookMs = performance.now() - startedAtMs
  expect(end.counters['session.cpuMicros']).toBeLessThan(300 * tookMs) // three tenths of it, not a tenth
  expect(end.counters['session.cpuThrottledMicros']).toBeGreaterThan(200_000)
})

test.concurrent('a sleeper that ignores SIGTERM goes with its daemonised child, and nothing survives it', async () => {
  const { breaches, end } = await attack(
    'sleeper',
    bash('trap "" TERM; (setsid sh -c "exec sleep 4343" &); sleep 1000'),
  )
  expect(breaches).toEqual([breach('wall-clock', 1000, 'stopped')])
  expect(end.reason).toBe('wall-clock')
  expect(spawnSync('pgrep', ['-f', '^sleep 4343$']).stdout.toString()).toBe('')
})

test.concurrent.each([
  {
    agent: 'tmp',
    limit: 'tmp-bytes',
    configured: 2 * MIB,
    fill: 'dd if=/dev/zero of=/tmp/big bs=64k',
  },
  {
    agent: 'shm',
    limit: 'tmp-bytes',
    configured: 2 * MIB,
    fill: 'dd if=/dev/zero of=/dev/shm/big bs=64k',
  },
  {
    agent: 'files',
    limit: 'tmp-inodes',
    configured: 300,
    fill: 'for i in $(seq 1000); do : > /tmp/f$i || break; done',
  },
  {
    agent: 'disk',
    limit: 'disk-bytes',
    configured: 16 * MIB,
    fill: 'dd if=/dev/zero of=big bs=64k',
  },
  {
    agent: 'inodes',
    limit: 'disk-inodes',
    configured: 256,
    fill: 'for i in $(seq 1000); do : > f$i || break; done',
  },
])(
  'a filler is refused and recorded: $limit by $fill',
  async ({ agent, limit, configured, fill }) => {
    // what is full stays full until it is seen
    const script = `{ ${fill}; } 2>&1 | tail -n 5; read line`
    const { ended, breaches } = await attack(agent, bash(script), limit)
    expect(ended.stdout).toContain('No space left on device')
    expect(breaches).toEqual([breach(limit, configured, 'refused')])
  },
)

test.concurrent('a hoarder of descriptors is refused, and seen while it holds them', async () => {
  const hoard =
    'import os, sys\ntry:\n  while True: os.open("/dev/null", 0)\nexcept OSError as e: print(e.strerror, flush=True)\nsys.stdin.read()'
  const { ended, breaches } = await attack('hoarder', ['python3', '-c', hoard], 'open-files')
  expect(ended.stdout).toBe('Too many open files\n')
  expect(breaches).toEqual([breach('open-files', 64, 'refused')])
})

const UPLOAD = `
const https = require('node:https')
const agent = new https.Agent({ keepAlive: true })
const put = (path, bytes) => new Promise((resolve) => {
  const request = https.request({ host: '${UPSTREAM_HOST}', path, method: 'PUT', agent }, (reply) => {
    reply.resume().on('end', () => resolve(reply.statusCode))
  })
  request.on('error', (error) => resolve(error.code))
  request.end(Buffer.alloc(bytes))
})
`
const arrivedAt = (path: string): number => upstream.arrived().filter((one) => one === path).length
const node = (script: string): string[] => ['/opt/node/node', '-e', UPLOAD + script]

test.concurrent('an upload loop is cut off at its bytes, and after that nothing arrives', async () => {
  const { ended, breaches, end, leaves } = await attack(
    'uploader',
    node(
      ';(async () => { for (let i = 0; i < 12; i++) console.log(await put("/upload", 40000)) })()',
    ),
  )
  const statuses = ended.stdout.trim().split('\n')
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(statuses).toEqual([...Array(6).fill('200'), ...Array(6).fill('429')])
  expect(arrivedAt('/upload')).toBe(6)
  expect(breaches).toEqual([breach('egress-bytes', 256 * 1024, 'refused')])
  expect(end.counters['egressBytes']).toBeLessThanOrEqual(256 * 1024)
  expect(JSON.stringify(leaves)).toContain('limit.egress-bytes')
})

test.concurrent('a caller is refused after as many requests as it may make', async () => {
  const { ended, breaches, end } = await attack(
    'caller',
    node(';(async () => { for (let i = 0; i < 5; i++) console.log(await put("/call", 10)) })()'),
  )
  expect(ended.stdout).toBe('200\n200\n200\n429\n429\n')
  expect(arrivedAt('/call')).toBe(3)
  expect(breaches).toEqual([breach('egress-requests', 3, 'refused')])
  expect(end.counters['egressRequests']).toBe(3)
})
