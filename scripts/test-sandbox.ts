/**
 * `npm run test:sandbox -- [--runtime crun|runc|runsc] [--mutate [--only TEXT]…]`: attacks a sandbox
 * from inside, and with `--mutate` takes its profile apart, one element at a time, to see that each
 * is missed. Needs root. Exit code 1 when an attempt went through or an element was not missed.
 */
import { parseArgs } from 'node:util'
import {
  type BatteryReport,
  BatteryOptionsShape,
} from '../packages/sekisho/src/sandbox/battery/report.ts'
import { runBattery } from '../packages/sekisho/src/sandbox/battery/run-battery.ts'

type Tally = { fine: boolean; seen: number; survivors: string[] }

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', default: 'crun' },
    mutate: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
})
const tally: Tally = { fine: true, seen: 0, survivors: [] }
await runBattery(BatteryOptionsShape.parse(values), (report) => tell(report, tally))
if (values.mutate) tellScore(tally)
const proved = !values.mutate || (tally.seen > 0 && tally.survivors.length === 0)
process.exitCode = tally.fine && proved ? 0 : 1

function tell(report: BatteryReport, counted: Tally): void {
  if (report.kind === 'whole') tellWhole(report, counted)
  else if (report.kind === 'mutation') tellMutation(report, counted)
  else if (report.kind === 'inert') say(`not on this kernel: ${report.paths.join(' ') || 'none'}`)
}

function tellWhole({ probes, ms }: BatteryReport & { kind: 'whole' }, counted: Tally): void {
  const through = probes.filter(({ held }) => held === false)
  const untried = probes.filter(({ held }) => held === null)
  for (const { id, detail } of through) say(`NOT HELD  ${id}  ${detail}`)
  for (const { id, detail } of untried) say(`not tried ${id}  ${detail}`)
  const held = probes.length - through.length - untried.length
  say(`${held} of ${probes.length} probes held, ${untried.length} not tried, in ${ms} ms`)
  counted.fine = through.length === 0
}

function tellMutation({ id, seen }: BatteryReport & { kind: 'mutation' }, counted: Tally): void {
  const [first, ...more] = seen
  if (first === undefined) {
    counted.survivors.push(id)
    say(`SURVIVED  ${id}`)
    return
  }
  counted.seen += 1
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  say(`${id}  seen by ${first.id} (${first.detail.slice(0, 80)})${others}`)
}

function tellScore({ seen, survivors }: Tally): void {
  const all = seen + survivors.length
  const percent = all === 0 ? 0 : Math.floor((100 * seen) / all)
  say(`mutation score: ${seen} of ${all} (${percent} %)`)
  for (const id of survivors) say(`survivor: ${id}`)
}

function say(line: string): void {
  process.stdout.write(`${line.replaceAll(/[\n\t]+/g, ' ')}\n`)
}
