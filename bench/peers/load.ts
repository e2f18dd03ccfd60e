import { join } from 'node:path'
import * as z from 'zod'
import { execute } from '../../packages/sekisho/test/agents/execute.ts'
import type { LoadPlan, LoadReport } from './load-main.ts'
import { minimal } from './peer-process.ts'

const SLACK_MS = 30_000

/** The load client's one file; a sandbox that runs it needs a mount of this and a Node. */
export const LOAD_MAIN = join(import.meta.dirname, 'load-main.ts')

const Report = z.strictObject({
  requests: z.int().positive(),
  requestsPerSecond: z.number(),
  latencyMs: z.strictObject({ min: z.number(), median: z.number(), p99: z.number() }),
})

/**
 * Runs the load client in a process of its own. `wrap` goes in front of its command line: a
 * sandbox, for instance, with the paths as they are inside it. Rejects if any request failed.
 */
export async function runLoad(
  plan: LoadPlan,
  inside: { wrap?: readonly [string, ...string[]]; node?: string; main?: string } = {},
): Promise<LoadReport> {
  const { wrap = ['env'], node = process.execPath, main = LOAD_MAIN } = inside
  const [first, ...rest] = wrap
  const { code, stdout, stderr } = await execute(
    [first, ...rest, node, main, JSON.stringify(plan)],
    {
      cwd: import.meta.dirname,
      env: minimal(),
      timeoutMs: plan.warmUpMs + plan.durationMs + SLACK_MS,
    },
  )
  if (code !== 0) throw new Error(`the load client failed (${code}): ${stderr.slice(-2000)}`)
  return Report.parse(JSON.parse(stdout))
}
