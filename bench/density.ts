/**
 * How many idle sessions one machine holds, how quickly they start one after another, and what each
 * costs beside the agent's own processes. The floor is the same command without any sandbox.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { connect } from '../packages/sekisho/src/cli/client.ts'
import { startDaemon } from '../packages/sekisho/src/daemon/own-daemon.ts'
import { pathsFrom } from '../packages/sekisho/src/daemon/paths.ts'
import { api } from '../packages/sekisho/src/wire/api.ts'
import type { Bench, BenchResult, Row } from './harness.ts'

const SESSIONS = 300
/** Asked for at once; a fleet's scheduler does the same. */
const AT_ONCE = 4
const IDLE = ['sleep', '3600']
const START_TIMEOUT_MS = 60_000
const KIB = 1024
const MIB = 1024 * 1024

export const bench: Bench = {
  name: 'density',
  run: async () => {
    const home = await mkdtemp(join(tmpdir(), 'sekisho-density-'))
    const environment = { ...process.env, SEKISHO_HOME: home }
    try {
      const daemon = await startDaemon(environment)
      try {
        return await crowd(pathsFrom(environment).apiSocket)
      } finally {
        await daemon.stop()
      }
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  },
}

async function crowd(apiSocket: string): Promise<BenchResult> {
  const peer = await connect(apiSocket, api)
  try {
    const agent = await footprintOfAgent()
    const before = readMemory()
    const startedAtMs = performance.now()
    const latencies = await startAll(async () => {
      await peer.call(
        'start',
        { agent: 'default', argv: IDLE, workspace: null, from: null },
        { timeoutMs: START_TIMEOUT_MS },
      )
    })
    const tookMs = performance.now() - startedAtMs
    const after = readMemory()
    const { sessions } = await peer.call('ps', {})
    const status = await peer.call('status', {})
    const perSession = (before.availableBytes - after.availableBytes) / sessions.length
    const processes = Object.values(status.processes).reduce((sum, pid) => sum + pssOf(pid), 0)
    return {
      rows: [
        one('idle sessions at once', 'sessions', sessions.length),
        one('start rate, 4 at a time', 'sessions/s', (sessions.length / tookMs) * 1000),
        spread('start, request to begun', 'ms', latencies),
        one('memory a session, all of it', 'MiB', perSession / MIB),
        one('of which the agent’s own', 'MiB', agent / MIB),
        one('memory a session, beside its own', 'MiB', (perSession - agent) / MIB),
        one('processes of the platform, all', 'MiB', processes / MIB),
      ],
      ratios: {
        sessions: sessions.length,
        mib_per_session: (perSession - agent) / MIB,
      },
    }
  } finally {
    peer.close()
  }
}

/** Milliseconds each took, of {@link SESSIONS}, {@link AT_ONCE} at a time. */
async function startAll(start: () => Promise<void>): Promise<number[]> {
  const latencies: number[] = []
  let left = SESSIONS
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const askedAtMs = performance.now()
      await start()
      latencies.push(performance.now() - askedAtMs)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return latencies
}

/** What the idle command itself holds, as the kernel shares it out. */
async function footprintOfAgent(): Promise<number> {
  const [file = '', ...args] = IDLE
  const child = spawn(file, args, { stdio: 'ignore' })
  await once(child, 'spawn')
  try {
    return privateOf(child.pid ?? 0)
  } finally {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

/** What the kernel could give to others without swapping. */
function readMemory(): { availableBytes: number } {
  const text = readFileSync('/proc/meminfo', 'utf8')
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]
  return { availableBytes: z.coerce.number().parse(kib) * KIB }
}

function pssOf(pid: number): number {
  return rollup(pid, 'Pss')
}

function privateOf(pid: number): number {
  return rollup(pid, 'Private_Clean') + rollup(pid, 'Private_Dirty')
}

function rollup(pid: number, field: string): number {
  if (!readdirSync('/proc').includes(String(pid))) return 0
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return Number(kib ?? 0) * KIB
}

function one(name: string, unit: string, value: number): Row {
  return { name, unit, min: value, median: value, p99: value }
}

function spread(name: string, unit: string, values: readonly number[]): Row {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return { name, unit, min: at(0), median: at(0.5), p99: at(0.99) }
}
