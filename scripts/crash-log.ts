/**
 * Kills keyholders under load: `node scripts/crash-log.ts [--lives N] [--json]`, 500 when nothing is
 * said. After each death nothing that was acknowledged may be missing from the log, no action may
 * have left without its intent, the log must verify, and its tiles must agree. `--json` writes a
 * report for .ci/run. Exit code 1 when something was found; the state directory is then kept.
 */
import { parseArgs } from 'node:util'
import { killKeyholders } from '../packages/sekisho/src/keyholder/testing/crash-campaign.ts'

/** Each takes a processor of its own. */
const AT_ONCE = 2

const { values } = parseArgs({
  options: { lives: { type: 'string', default: '500' }, json: { type: 'boolean', default: false } },
})
const lives = Number(values.lives)
if (!Number.isSafeInteger(lives) || lives < AT_ONCE) throw new RangeError('--lives wants a number')

const share = Math.floor(lives / AT_ONCE)
const reports = await Promise.all(
  Array.from({ length: AT_ONCE }, (_, at) =>
    killKeyholders(at === 0 ? lives - share * (AT_ONCE - 1) : share),
  ),
)
const found = reports.flatMap(({ faults }) => faults)
const sum = (of: 'lives' | 'acknowledged' | 'effects'): number =>
  reports.reduce((total, report) => total + report[of], 0)
const detail = `${sum('lives')} deaths, ${sum('acknowledged')} leaves acknowledged, ${sum('effects')} actions let go`
if (values.json) {
  const row = { name: 'keyholder', runs: sum('lives'), passed: found.length === 0, detail, found }
  process.stdout.write(`${JSON.stringify({ fuzzed: [row] })}\n`)
} else process.stdout.write(`${[detail, ...found].join('\n')}\n`)
process.exitCode = found.length === 0 && sum('lives') === lives ? 0 : 1
