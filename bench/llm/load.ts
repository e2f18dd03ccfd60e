import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import * as z from 'zod'
import { killGroup } from '../../packages/sekisho/test/agents/execute.ts'
import { minimal } from '../peers/peer-process.ts'
import type { LlmLoadPlan, LlmLoadReport } from './load-main.ts'
import { cpuMs, memoryBytes } from './process-cost.ts'

const SLACK_MS = 30_000
const MAIN = join(import.meta.dirname, 'load-main.ts')

const Spread = z.strictObject({ min: z.number(), median: z.number(), p99: z.number() })
const Report = z.strictObject({
  requests: z.int().positive(),
  requestsPerSecond: z.number(),
  firstByteMs: Spread,
  wholeMs: Spread,
})

/** What a load was, and what it cost those who served it. */
export type Served = LlmLoadReport & {
  /** user and system time of the processes in between, for one request; 0 where there are none */
  cpuUsPerRequest: number
  /** of the same processes, at the end */
  memoryBytes: number
}

export type LoadPlace = {
  /** in front of the command line: a sandbox, for instance, with the paths as they are inside it */
  wrap?: readonly [string, ...string[]]
  node?: string
  main?: string
  /** the processes whose cost it is */
  pids: readonly number[]
}

/** Runs the load client in a process of its own. Rejects if any request failed. */
export async function runLlmLoad(plan: LlmLoadPlan, place: LoadPlace): Promise<Served> {
  const { wrap = ['env'], node = process.execPath, main = MAIN, pids } = place
  const [first, ...rest] = wrap
  const child = spawn(first, [...rest, node, main, JSON.stringify(plan)], {
    cwd: import.meta.dirname,
    env: minimal(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const timer = setTimeout(() => killGroup(child), plan.warmUpMs + plan.durationMs + SLACK_MS)
  try {
    return await watch(child, pids)
  } finally {
    clearTimeout(timer)
  }
}

async function watch(child: ChildProcess, pids: readonly number[]): Promise<Served> {
  let [said, complaint] = ['', '']
  let before: number | undefined
  let served: Served | undefined
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000)
  })
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.startsWith('counting\n')) before ??= cpuMs(pids)
    const [, line] = /^counting\n(.+)\n$/.exec(said) ?? []
    if (line === undefined || before === undefined) return
    const report = Report.parse(JSON.parse(line))
    const cpuUsPerRequest = ((cpuMs(pids) - before) * 1000) / report.requests
    served = { ...report, cpuUsPerRequest, memoryBytes: memoryBytes(pids) }
  })
  const [code] = await once(child, 'close')
  if (served === undefined) throw new Error(`the load client failed (${code}): ${complaint}`)
  return served
}
