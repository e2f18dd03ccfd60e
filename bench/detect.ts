/**
 * What it costs to look at text that leaves, and how often honest text is taken for a secret.
 */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { DETECTORS } from '../packages/sekisho/src/detect/egress/all.ts'
import { compileAutomaton, WordFinder } from '../packages/sekisho/src/detect/egress/automaton.ts'
import { compileDetectors } from '../packages/sekisho/src/detect/egress/engine.ts'
import type { Scan } from '../packages/sekisho/src/detect/egress/finding.ts'
import { ViewedScan } from '../packages/sekisho/src/detect/egress/views/viewed-scan.ts'
import { readTexts, sizeOf, type Text } from './detect/corpus.ts'
import { type Alarm, alarmsIn, describeAlarm, isDenied, perTenMegabytes } from './detect/alarms.ts'
import { type Bench, type BenchResult, measure, type Peer, ratioOf, type Row } from './harness.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SPEED_BYTES = 100_000_000
const BENIGN_BYTES = 400_000_000
/** What a socket gives at once. */
const PIECE_BYTES = 65_536
const ROUNDS = 5

/** Sources, documents, data, logs: of the dependencies, of the system, of its programs. */
const MIXED = [
  ...['node_modules', 'docs', 'packages'].map((directory) => resolve(ROOT, directory)),
  '/usr/share/doc',
  '/usr/lib/python3',
  '/usr/share/perl',
  '/usr/include',
  '/var/log',
]

export const bench: Bench = {
  name: 'detect',
  run: async () => {
    const texts = readTexts(MIXED, SPEED_BYTES)
    const rows = await measure(peersOf(texts), { rounds: ROUNDS, warmUpRounds: 1 })
    checkThatItLooks(texts)
    const benign = readTexts([resolve(ROOT, 'node_modules')], BENIGN_BYTES)
    const alarms = benign.flatMap((text) => alarmsIn(text, scanOf))
    for (const alarm of alarms.filter(isDenied)) {
      process.stderr.write(`${describeAlarm(alarm, ROOT)}\n`)
    }
    return result(rows, { alarms, bytes: sizeOf(benign) })
  },
}

const compiled = compileDetectors(DETECTORS)
const formats = compileDetectors(DETECTORS.filter((one) => one.class === 'secret-format'))

function scanOf(): Scan {
  return new ViewedScan('text/plain', () => compiled.scan())
}

/** Silence about honest text means something only where a secret is not passed over in silence. */
function checkThatItLooks(texts: readonly Text[]): void {
  const secret = `sntryu_${createHash('sha256').update('planted').digest('hex')}`
  for (const { file, bytes } of texts.filter((_, index) => index % 100 === 0)) {
    const middle = bytes.length >> 1
    const planted = [bytes.subarray(0, middle), Buffer.from(` ${secret} `), bytes.subarray(middle)]
    const found = alarmsIn({ file, bytes: Buffer.concat(planted) }, scanOf)
    if (!found.some(({ finding: { detector } }) => detector === 'secret.sentry-user')) {
      throw new Error(`a secret that was planted into ${file} is not found`)
    }
  }
}

function peersOf(texts: readonly Text[]): Peer[] {
  const words = DETECTORS.flatMap(({ trigger }) =>
    trigger.kind === 'keyword' ? trigger.words : [],
  )
  const automaton = compileAutomaton([...new Set(words.map((word) => word.toLowerCase()))])
  // of processor time: what others do on the machine is not in it, garbage collection is
  const rate = (name: string, look: (bytes: Buffer) => unknown): Peer => ({
    name,
    unit: 'MB/s',
    sample: () => {
      const started = process.cpuUsage()
      for (const { bytes } of texts) look(bytes)
      const { user, system } = process.cpuUsage(started)
      return sizeOf(texts) / (user + system)
    },
  })
  return [
    rate('floor: Buffer.indexOf, one needle', (bytes) => bytes.indexOf('no such needle in here')),
    rate('floor: a loop over the bytes', sum),
    rate('words of all detectors', (bytes) => new WordFinder(automaton).push(bytes, [])),
    rate('formats of secrets', (bytes) => scanAll(formats.scan(), bytes)),
    rate('all detectors', (bytes) => scanAll(compiled.scan(), bytes)),
    rate('all detectors, in all views', (bytes) => scanAll(scanOf(), bytes)),
  ]
}

function scanAll(scan: Scan, bytes: Buffer): number {
  let found = 0
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    found += scan.push(bytes.subarray(at, at + PIECE_BYTES)).length
  }
  return found + scan.end().length
}

function sum(bytes: Buffer): number {
  let total = 0
  for (let at = 0; at < bytes.length; at++) total = (total + (bytes[at] ?? 0)) | 0
  return total
}

function result(
  rows: readonly Row[],
  { alarms, bytes }: { alarms: readonly Alarm[]; bytes: number },
): BenchResult {
  const counted = new Map<string, number>()
  for (const { finding } of alarms) {
    counted.set(finding.detector, (counted.get(finding.detector) ?? 0) + 1)
  }
  const fired = [...counted]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => ({ name, unit: 'found', min: count, median: count, p99: count }))
  return {
    rows: [...rows, ...fired],
    ratios: {
      vs_loop: ratioOf(rows, 'all detectors', 'floor: a loop over the bytes'),
      vs_words: ratioOf(rows, 'all detectors', 'words of all detectors'),
      detectors: DETECTORS.length,
      benign_mb: bytes / 1e6,
      denied_per_10_mb: perTenMegabytes(alarms.filter(isDenied).length, bytes),
      recorded_per_10_mb: perTenMegabytes(alarms.filter((one) => !isDenied(one)).length, bytes),
    },
  }
}
