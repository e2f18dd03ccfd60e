/**
 * Runs the checks of one suite, all of them whatever fails, and ends with a table.
 *
 *     run-checks.ts check|test|agents
 *
 * Leaves `.runtime/results/<suite>.json`, a Tally, for .ci/run.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHECKS, type Check, type Suite } from './checks.ts'
import { add, NOTHING, type Tally, tallyOf } from './tally.ts'

type Done = { check: Check; ok: boolean; tally: Tally; tookMs: number }

/** After the time limit a check may clean up for so long. */
const GRACE_MS = 15_000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const results = join(root, '.runtime', 'results')

async function main(suite: string | undefined): Promise<number> {
  if (!isSuite(suite)) {
    process.stderr.write('usage: run-checks.ts check|test|agents\n')
    return 64
  }
  mkdirSync(results, { recursive: true })
  const tallyFile = join(results, `${suite}.json`)
  rmSync(tallyFile, { force: true }) // an interrupted run must not leave the last one's counts
  const done: Done[] = []
  for (const check of CHECKS.filter((c) => c.suites.includes(suite))) done.push(await run(check))
  const total = done.map(({ tally }) => tally).reduce(add, NOTHING)
  writeFileSync(tallyFile, `${JSON.stringify(total)}\n`)
  process.stdout.write(table(done, total))
  return done.every(({ ok, tally }) => ok && tally.failed === 0) ? 0 : 1
}

function isSuite(text: string | undefined): text is Suite {
  return text === 'check' || text === 'test' || text === 'agents'
}

async function run(check: Check): Promise<Done> {
  process.stdout.write(`\n── ${check.name}: ${check.argv.join(' ')}\n`)
  const startedMs = performance.now()
  const report = join(results, `${check.name}.report.json`)
  rmSync(report, { force: true })
  const ok = await execute(check, report)
  const tally = tallyOf(check, { ok, report: readIfThere(report) })
  return { check, ok, tally, tookMs: performance.now() - startedMs }
}

async function execute(check: Check, report: string): Promise<boolean> {
  const [program, ...args] = check.argv
  const more = check.report === 'vitest' ? vitestReport(report) : []
  const bin = join(root, 'node_modules', '.bin')
  const child = spawn(program, [...args, ...more], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: ['ignore', check.report === 'drill' ? 'pipe' : 'inherit', 'inherit'],
  })
  child.stdout?.pipe(createWriteStream(report))
  const limits = [
    setTimeout(() => expire(check, () => child.kill('SIGTERM')), check.timeoutMs),
    setTimeout(() => child.kill('SIGKILL'), check.timeoutMs + GRACE_MS),
  ]
  const ok = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`)
      resolve(false)
    })
    child.once('close', (code) => resolve(code === 0))
  })
  for (const limit of limits) clearTimeout(limit)
  return ok
}

function expire(check: Check, stop: () => void): void {
  process.stderr.write(`${check.name}: stopped after ${seconds(check.timeoutMs)}\n`)
  stop()
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

function table(done: readonly Done[], total: Tally): string {
  const rows = done.map(({ check, ok, tally, tookMs }) =>
    [
      ok && tally.failed === 0 ? 'ok    ' : 'FAILED',
      check.name.padEnd(8),
      seconds(tookMs).padStart(9),
      check.report === undefined ? '' : `  ${words(tally)}`,
    ].join('  '),
  )
  const tookMs = done.reduce((sum, row) => sum + row.tookMs, 0)
  return `\n${[...rows, `${words(total)} in ${seconds(tookMs)}`].join('\n')}\n`
}

function words({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`
}

process.exitCode = await main(process.argv[2])
