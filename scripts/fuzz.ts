/**
 * Fuzzing: `npm run fuzz -- [--seconds N] [--family NAME]… [--seed S]` compares our readers with
 * others over generated inputs, `--readers [--count N]` throws inputs at every reader and at every
 * listener of a real gate, `--cedar [--count N]` asks Cedar's own library what it makes of generated
 * policies, entities and requests. `--json` writes a report for .ci/run to stdout. Exit code 1 when
 * something was found; what was found is a line for the corpus, or hexadecimal.
 */
import { parseArgs } from 'node:util'
import { runCedar } from '../packages/sekisho/test/fuzz/cedar/run-cedar.ts'
import { FAMILIES } from '../packages/sekisho/test/fuzz/families/all.ts'
import { Random } from '../packages/sekisho/test/fuzz/random.ts'
import { READERS } from '../packages/sekisho/test/fuzz/readers.ts'
import { minimise, runFamily } from '../packages/sekisho/test/fuzz/run-family.ts'
import { runReader } from '../packages/sekisho/test/fuzz/run-reader.ts'
import { LISTENERS, runListener } from '../packages/sekisho/test/fuzz/wire.ts'

type Row = { name: string; runs: number; passed: boolean; detail: string; found: string[] }

/** of the inputs of `--readers`, how many go through sockets: a thousand times as slow */
const ON_THE_WIRE = 1 / 100
/** Of what was found: the seed brings it all back. */
const MAX_SHOWN = 3
const MAX_HEX = 4_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    family: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    readers: { type: 'boolean', default: false },
    cedar: { type: 'boolean', default: false },
    count: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
})
const seed = wholeNumber('seed', values.seed)
const rows = await chosenRows()
if (values.json) process.stdout.write(`${JSON.stringify({ fuzzed: rows })}\n`)
process.exitCode = rows.length > 0 && rows.every(({ passed }) => passed) ? 0 : 1
process.exit() // connections of the readers are still open

async function chosenRows(): Promise<Row[]> {
  const count = wholeNumber('count', values.count)
  if (values.cedar) return inTurn([{ name: 'cedar' }], async () => compareCedar(count))
  return values.readers
    ? runAllReaders(count)
    : compareReaders(wholeNumber('seconds', values.seconds))
}

function compareCedar(count: number): Row {
  const { runs, answers, differences } = runCedar({ seed, until: (done) => done >= count })
  const detail = `${answers.allow} allowed, ${answers.deny} denied, ${answers.erred} with errors, ${answers.refused} refused, ${differences.length} differences`
  const shown = differences
    .slice(0, MAX_SHOWN)
    .map((difference) =>
      JSON.stringify(difference, (_key, value: unknown) =>
        typeof value === 'bigint' ? { __long: String(value) } : value,
      ),
    )
  const isVaried = Object.values(answers).every((number) => number > 0)
  const passed = differences.length === 0 && isVaried
  return { name: 'cedar against its library', runs, passed, detail, found: shown }
}

async function compareReaders(seconds: number): Promise<Row[]> {
  const chosen = FAMILIES.filter(({ name }) => isWanted(name))
  const alone = READERS.filter(({ name }) => isWanted(name) && values.family.length > 0)
  const eachMs = (seconds * 1000) / (chosen.length + alone.length)
  return [
    ...(await inTurn(chosen, (family) => compareFamily(family, eachMs))),
    ...(await inTurn(alone, (reader) => tryReader(reader, forMs(eachMs)))),
  ]
}

async function compareFamily(family: (typeof FAMILIES)[number], ms: number): Promise<Row> {
  const run = await runFamily(family, { seed, until: forMs(ms) })
  const found: string[] = []
  for (const { input, disagreement } of run.disagreements.slice(0, MAX_SHOWN)) {
    found.push(`${disagreement}\n  ${JSON.stringify(await minimise(family, input))}`)
  }
  const detail = `${run.accepted} accepted, ${run.disagreements.length} disagreements`
  const passed = found.length === 0 && run.accepted > 0
  return { name: `${family.name} against others`, runs: run.runs, passed, detail, found }
}

async function runAllReaders(count: number): Promise<Row[]> {
  const onTheWire = Math.ceil((count * ON_THE_WIRE) / LISTENERS.length)
  const each = Math.ceil((count - onTheWire * LISTENERS.length) / READERS.length)
  return [
    ...(await inTurn(READERS, (reader) => tryReader(reader, (runs) => runs >= each))),
    ...(await inTurn(LISTENERS, (listener) => tryListener(listener, onTheWire))),
  ]
}

async function tryReader(
  reader: (typeof READERS)[number],
  until: (runs: number) => boolean,
): Promise<Row> {
  const { runs, verdicts, slowestMs, faults } = await runReader(reader, { seed, until })
  const detail = `${verdicts.size} verdicts, slowest ${slowestMs.toFixed(0)} ms, ${faults.length} faults`
  return {
    name: `reader ${reader.name}`,
    runs,
    passed: faults.length === 0,
    detail,
    found: shown(faults),
  }
}

async function tryListener(listener: (typeof LISTENERS)[number], count: number): Promise<Row> {
  const random = new Random(seed)
  const { runs, refusals, faults } = await runListener(listener, {
    random,
    until: (n) => n >= count,
  })
  const detail = `${refusals} refusals, ${faults.length} faults`
  return {
    name: `listener ${listener.name}`,
    runs,
    passed: faults.length === 0,
    detail,
    found: shown(faults),
  }
}

function shown(faults: readonly { input: string; fault: string }[]): string[] {
  return faults
    .slice(0, MAX_SHOWN)
    .map(
      ({ input, fault }) =>
        `${fault.split('\n').slice(0, 3).join('\n')}\n  ${input.slice(0, MAX_HEX)}`,
    )
}

/** One after the other, each with its line; one that throws has failed, and the next is tried. */
async function inTurn<T extends { name: string }>(
  all: readonly T[],
  run: (one: T) => Promise<Row>,
): Promise<Row[]> {
  const done: Row[] = []
  for (const one of all) {
    const startedMs = performance.now()
    const row = await run(one).catch((thrown: unknown) => ({
      name: one.name,
      runs: 0,
      passed: false,
      detail: 'ended by an error',
      found: [String(thrown instanceof Error ? thrown.stack : thrown).slice(0, 600)],
    }))
    done.push(row)
    tell(row, performance.now() - startedMs)
  }
  return done
}

/** On stderr: stdout is for the report. */
function tell({ name, runs, passed, detail, found }: Row, ms: number): void {
  const rate = Math.round(runs / (ms / 1000))
  const line = `${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(24)} ${runs} runs, ${rate}/s, ${detail}`
  process.stderr.write(`${[line, ...found].join('\n')}\n`)
  if (!passed) process.stderr.write(`run again with --seed ${seed}\n`)
}

function isWanted(name: string): boolean {
  return values.family.length === 0 || values.family.includes(name)
}

function forMs(ms: number): () => boolean {
  const endMs = performance.now() + ms
  return () => performance.now() >= endMs
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  process.stderr.write(`fuzz: --${option} wants a whole number, not ${text}\n`)
  process.exit(64)
}
