/**
 * How fast records become durable with 64 callers, beside what is used otherwise for it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, type BenchResult, measure, type Peer, ratioOf, rowOf } from './harness.ts'
import { type Appender, jsonLines, rawBatches, sekishoLog, sqlite } from './log/appenders.ts'
import { throughSocket } from './log/keyholders.ts'
import { load } from './log/load.ts'
import { million } from './log/million.ts'

const CALLERS = 64
const SAMPLE_MS = 1000
const ROUNDS = 7
/** A signed leaf of the measurement with its share of the checkpoint. */
const LEAF_BYTES = 870

const MANY = 'sekisho, 64 sessions, 64 callers'
const ONE = 'sekisho, 1 session, 64 callers'
const SINGLE = 'sekisho, 1 caller'
const SOCKET = 'gate, socket, keyholder, 64 callers'
const SQLITE = 'node:sqlite, a flush per event, 64 callers'
const JSON_LINES = 'JSON lines, a flush per event, 64 callers'
const FLOOR = 'floor: writes of 64 leaves, O_DSYNC'

export const bench: Bench = {
  name: 'log',
  run: async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sekisho-bench-log-'))
    try {
      const { rows, ratios } = await appends(dir)
      return { rows: [...rows, ...(await million(join(dir, 'million')))], ratios }
    } finally {
      rmSync(dir, { recursive: true })
    }
  },
}

async function appends(dir: string): Promise<BenchResult> {
  const latencies = new Map<string, number[]>()
  const appenders: Appender[] = []
  const peer = (name: string, appender: Appender, callers: number): Peer => {
    appenders.push(appender)
    const seen: number[] = []
    latencies.set(name, seen)
    const sample = async (): Promise<number> => {
      const done = await load(appender, { callers, forMs: SAMPLE_MS })
      for (const ms of done.latenciesMs) seen.push(ms)
      return done.perSecond
    }
    return { name, unit: '1/s', sample }
  }
  const sub = (name: string): string => mkdtempSync(join(dir, `${name}-`))
  const peers = [
    peer(MANY, await sekishoLog(sub('many'), 64), CALLERS),
    peer(ONE, await sekishoLog(sub('one'), 1), CALLERS),
    peer(SINGLE, await sekishoLog(sub('single'), 1), 1),
    peer(SOCKET, await throughSocket(sub('socket')), CALLERS),
    peer(SQLITE, sqlite(sub('sqlite')), CALLERS),
    peer(JSON_LINES, jsonLines(sub('json')), CALLERS),
    floor(sub('raw')),
  ]
  const rows = await measure(peers, { rounds: ROUNDS, warmUpRounds: 1 })
  for (const appender of appenders) await appender.close()
  const times = [...latencies].map(([name, ms]) => rowOf({ name, unit: 'ms' }, ms))
  return {
    rows: [...rows, ...times],
    ratios: {
      vs_sqlite: ratioOf(rows, MANY, SQLITE),
      vs_json_lines: ratioOf(rows, MANY, JSON_LINES),
      vs_floor: ratioOf(rows, MANY, FLOOR),
    },
  }
}

function floor(dir: string): Peer {
  const raw = rawBatches(dir, { batch: CALLERS, bytes: LEAF_BYTES })
  const sample = (): number => {
    const startedMs = performance.now()
    let leaves = 0
    while (performance.now() - startedMs < SAMPLE_MS) leaves += raw.write()
    return (leaves / (performance.now() - startedMs)) * 1000
  }
  return { name: FLOOR, unit: '1/s', sample }
}
