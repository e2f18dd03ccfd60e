/** The frame that every benchmark keeps: what it gives back, and how it measures side by side. */

export type Row = { name: string; unit: string; min: number; median: number; p99: number }

export type BenchResult = {
  rows: readonly Row[]
  /** names such as `vs_bwrap`; docs/benchmarks.md says what is divided by what */
  ratios: Readonly<Record<string, number>>
}

export type Bench = {
  name: string
  /** starts its peers, measures, and leaves nothing behind, whatever fails */
  run(): Promise<BenchResult>
}

/** Units in which the harness can time a call by itself. */
const PER_MS = { ms: 1, us: 1e3, ns: 1e6 } as const

/** Timed by the harness: one call of `fn` is one sample. */
type Timed = { name: string; unit: keyof typeof PER_MS; fn: () => unknown }
/** Tells its own sample, in `unit`: a rate, or a time seen from inside. */
type Sampled = { name: string; unit: string; sample: () => Promise<number> | number }
export type Peer = Timed | Sampled

export type Rounds = {
  /** samples for each peer */
  rounds: number
  /** calls of each peer that are not counted; 3 where absent */
  warmUpRounds?: number
}

/**
 * Measures peers in interleaved rounds, each round starting with the next peer, so that drift of
 * the machine and the order of calls touch all of them alike.
 *
 * A peer that throws ends the measurement: a failed call must not count as a fast one.
 */
export async function measure(
  peers: readonly Peer[],
  { rounds, warmUpRounds = 3 }: Rounds,
): Promise<Row[]> {
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new RangeError('want at least one round')
  const samples = new Map<Peer, number[]>(peers.map((peer) => [peer, []]))
  for (let round = -warmUpRounds; round < rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const peer = peers[(turn + round + warmUpRounds) % peers.length]
      if (peer === undefined) continue
      const value = await sampleOf(peer)
      if (round >= 0) samples.get(peer)?.push(value)
    }
  }
  return peers.map((peer) => rowOf(peer, samples.get(peer) ?? []))
}

async function sampleOf(peer: Peer): Promise<number> {
  if ('sample' in peer) return peer.sample()
  const startedMs = performance.now()
  await peer.fn()
  return (performance.now() - startedMs) * PER_MS[peer.unit]
}

/** One row from samples taken elsewhere. @throws RangeError on none, or on one that is no number */
export function rowOf(
  { name, unit }: { name: string; unit: string },
  samples: readonly number[],
): Row {
  if (samples.length === 0 || !samples.every(Number.isFinite)) {
    throw new RangeError(`${name}: want at least one sample, all of them finite`)
  }
  const sorted = Float64Array.from(samples).sort()
  return {
    name,
    unit,
    min: quantile(sorted, 0),
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  }
}

/**
 * Quantile of ascending values with linear interpolation between neighbours.
 *
 * @param at from 0, the least, to 1, the greatest
 * @see Hyndman and Fan 1996, definition 7
 */
export function quantile(sorted: Float64Array, at: number): number {
  const position = (sorted.length - 1) * at
  const below = Math.floor(position)
  const lower = sorted[below] ?? Number.NaN
  const upper = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN
  return lower + (upper - lower) * (position - below)
}

/** Median of one row divided by the median of another. @throws RangeError when there is no such row */
export function ratioOf(rows: readonly Row[], dividend: string, divisor: string): number {
  return medianOf(rows, dividend) / medianOf(rows, divisor)
}

function medianOf(rows: readonly Row[], name: string): number {
  const row = rows.find((candidate) => candidate.name === name)
  if (row === undefined) throw new RangeError(`no row ${name}`)
  return row.median
}
