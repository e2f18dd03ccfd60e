/**
 * Prints the last line of .ci/run: `N passed, N failed`, over the suites named as arguments.
 * A suite that left no tally did not end: one failure. Exits with 1 on any failure, and when
 * nothing passed at all.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { add, field, NOTHING, type Tally } from './tally.ts'

const results = join(dirname(dirname(fileURLToPath(import.meta.url))), '.runtime', 'results')

function readTally(suite: string): Tally {
  try {
    const read: unknown = JSON.parse(readFileSync(join(results, `${suite}.json`), 'utf8'))
    const [passed, failed] = [field(read, 'passed'), field(read, 'failed')]
    if (typeof passed === 'number' && typeof failed === 'number') {
      return { passed, failed, skipped: 0 }
    }
  } catch (thrown) {
    process.stderr.write(`${suite}: no counts (${String(thrown)})\n`)
  }
  return { ...NOTHING, failed: 1 }
}

const { passed, failed } = process.argv.slice(2).map(readTally).reduce(add, NOTHING)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
