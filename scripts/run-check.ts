import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Check } from './checks.ts'
import { failuresOf } from './failures.ts'
import { type Tally, tallyOf } from './tally.ts'

export type Done = {
  check: Check
  ok: boolean
  tally: Tally
  /** what failed, a line each */
  failures: readonly string[]
  tookMs: number
}
type Places = { root: string; results: string }

/** After the time limit a check may clean up for so long. */
const GRACE_MS = 15_000

/** Runs one check with its output shown, and counts its tests. Never rejects: a failure is counted. */
export async function runCheck(check: Check, { root, results }: Places): Promise<Done> {
  const startedMs = performance.now()
  const report = join(results, `${check.name}.report.json`)
  rmSync(report, { force: true })
  const ok = await execute(check, { root, report })
  const text = readIfThere(report)
  const tally = tallyOf(check, { ok, report: text })
  const failures = check.report === 'vitest' ? failuresOf(text) : []
  return { check, ok, tally, failures, tookMs: performance.now() - startedMs }
}

async function execute(
  check: Check,
  { root, report }: { root: string; report: string },
): Promise<boolean> {
  const [program, ...args] = check.argv
  const more = check.report === 'vitest' ? vitestReport(report) : []
  const bin = join(root, 'node_modules', '.bin')
  // The file itself, not a pipe through us: it is complete when the program has ended.
  const isPrinted = check.report === 'drill' || check.report === 'fuzz'
  const out = isPrinted ? openSync(report, 'w') : undefined
  const child = spawn(program, [...args, ...more], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', out ?? 'inherit', 'inherit'],
  })
  if (out !== undefined) closeSync(out)
  let expired = false
  const expire = (): void => {
    expired = true
    process.stderr.write(`${check.name}: stopped after ${seconds(check.timeoutMs)}\n`)
    child.kill('SIGTERM')
  }
  const limits = [
    setTimeout(expire, check.timeoutMs),
    setTimeout(() => child.kill('SIGKILL'), check.timeoutMs + GRACE_MS),
  ]
  const ok = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`)
      resolve(false)
    })
    child.once('close', (code) => resolve(code === 0 && !expired))
  })
  for (const limit of limits) clearTimeout(limit)
  return ok
}

function vitestReport(path: string): string[] {
  return ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`]
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // the tally counts a report that should be there and is not
  }
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`
}
