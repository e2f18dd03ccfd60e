/**
 * Runs the checks of one suite, all of them whatever fails, and ends with a table.
 *
 *     run-checks.ts check|test|agents|tools|attacks|fuzz
 *     run-checks.ts agents --all        every published client, not the first two alone
 *
 * Leaves `.runtime/results/<suite>.json`, a Tally, for .ci/run.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHECKS, type Suite } from './checks.ts'
import { type Done, runCheck, seconds } from './run-check.ts'
import { add, NOTHING, type Tally } from './tally.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const results = join(root, '.runtime', 'results')

async function main([suite, ...flags]: readonly string[]): Promise<number> {
  const isAll = suite === 'agents' && flags.join(' ') === '--all'
  if (!isSuite(suite) || (flags.length > 0 && !isAll)) {
    process.stderr.write('usage: run-checks.ts check|test|agents [--all]|tools|attacks|fuzz\n')
    return 64
  }
  if (isAll) process.env['SEKISHO_TEST_AGENTS'] = 'all'
  mkdirSync(results, { recursive: true })
  const tallyFile = join(results, `${suite}.json`)
  rmSync(tallyFile, { force: true }) // an interrupted run must not leave the last one's counts
  const done: Done[] = []
  for (const check of CHECKS.filter((c) => c.suites.includes(suite))) {
    process.stdout.write(`\n── ${check.name}: ${check.argv.join(' ')}\n`)
    done.push(await runCheck(check, { root, results }))
  }
  const total = done.map(({ tally }) => tally).reduce(add, NOTHING)
  writeFileSync(tallyFile, `${JSON.stringify(total)}\n`)
  process.stdout.write(table(done, total))
  return done.every(({ ok, tally }) => ok && tally.failed === 0) ? 0 : 1
}

function isSuite(text: string | undefined): text is Suite {
  return CHECKS.some(({ suites }) => suites.some((suite) => suite === text))
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
  // last, where a log that is cut in the middle still has them
  const failures = done.flatMap((row) => row.failures.map((failure) => `✗ ${failure}`))
  return `\n${[...rows, ...failures, `${words(total)} in ${seconds(tookMs)}`].join('\n')}\n`
}

function words({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

process.exitCode = await main(process.argv.slice(2))
