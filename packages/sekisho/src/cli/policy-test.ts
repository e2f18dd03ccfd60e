import { runTests, type TestResult } from '../policy-text/trial/run-tests.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { printable } from './terminal.ts'

/** Runs the tables of `tests/` against the bundle that they lie in. 1: one fails, or there is none. */
export async function testPolicy(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  const { directory, files, policy } = await readBundle(
    maybePositional(usage, positionals),
    terminal,
  )
  const results = runTests(files, policy, Date.now())
  const failed = results.filter(({ failures }) => failures.length > 0).length
  if (values['json'] === true) terminal.out(JSON.stringify({ results, failed }))
  else show(results, { failed, directory, terminal })
  return results.length === 0 || failed > 0 ? 1 : 0
}

function show(
  results: readonly TestResult[],
  { failed, directory, terminal }: { failed: number; directory: string; terminal: Terminal },
): void {
  let file = ''
  for (const result of results) {
    if (result.file !== file) terminal.out(result.file)
    ;({ file } = result)
    const passes = result.failures.length === 0
    terminal.out(`  ${passes ? 'ok  ' : 'FAIL'}  ${printable(result.name)}`)
    for (const failure of result.failures) terminal.out(`          ${printable(failure)}`)
  }
  terminal.out(
    results.length === 0
      ? `${directory}/tests has no tests`
      : `${results.length} tests, ${failed === 0 ? 'all pass' : `${failed} failed`}`,
  )
}
