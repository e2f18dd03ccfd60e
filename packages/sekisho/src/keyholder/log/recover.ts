import {
  isFault,
  type Fault,
  LogState,
  listSegments,
  type NoteVerifier,
  openCheckpoint,
  openSegment,
  parseNoteLine,
  type Segment,
  walkSegment,
} from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'

/** Where a log goes on. */
export type Recovered = {
  /** number of the segment to begin */
  next: number
  /** the log that is surely durable: the new segment's header is made of it */
  base: LogState
  /**
   * Batches signed after `base` that a failed or interrupted flush may have left in memory only:
   * the new segment repeats them byte by byte before anything else. Empty on a new log.
   */
  repeat: Buffer
  /** the log once they are repeated */
  whole: LogState
}

/**
 * Finds where the log ends. Reads the last segment, twice; earlier ones only when the last one
 * holds no checkpoint of its own.
 *
 * It changes nothing: a torn end stays, and the next segment's header says what counts.
 *
 * @throws SekishoError LOG_BROKEN when what was signed is not what is there
 */
export async function recoverLog(dir: string, verifier: NoteVerifier): Promise<Recovered> {
  const numbers = await listSegments(dir)
  const next = (numbers.at(-1) ?? 0) + 1
  const segments = await headedSegments(dir, numbers)
  const end = await findEnd(segments)
  if (end === undefined) {
    return { next, base: LogState.empty(), repeat: Buffer.alloc(0), whole: LogState.empty() }
  }
  return { next, ...(await readEnd(end.segment, end.size, verifier)) }
}

/** Where the batches stand that are to be repeated: the segment, and the leaves before them. */
async function findEnd(
  segments: readonly Segment[],
): Promise<{ segment: Segment; size: number } | undefined> {
  const [last, ...older] = segments
  if (last === undefined) return undefined
  const [start, beforeNewest] = await checkpointSizes(last)
  if (beforeNewest !== undefined) return { segment: last, size: beforeNewest }
  for (const segment of older) {
    // beyond the last segment's start: signed, but its flush failed, and so did its repetition
    const sizes = await checkpointSizes(segment)
    if (sizes[0] !== start) return { segment, size: start }
  }
  return { segment: last, size: start }
}

/**
 * The last segment and, newest first, those before it that may hold batches beyond its start:
 * as far back as the one that the last one's start lies in.
 */
async function headedSegments(dir: string, numbers: readonly number[]): Promise<Segment[]> {
  const headed: Segment[] = []
  for (const number of numbers.toReversed()) {
    const segment = await openSegment(dir, number)
    if (isFault(segment)) throw broken(segment)
    if (segment.header === null) continue
    headed.push(segment)
    const start = headed[0]?.header?.size ?? 0
    if (segment.header.size < start) break
  }
  return headed
}

/** How many leaves the segment's last checkpoint seals, and the one before it (or the header). */
async function checkpointSizes(segment: Segment): Promise<[newest: number, before?: number]> {
  const state = stateOf(segment)
  let sizes: [number, number?] = [state.size]
  const end = await walkSegment(segment, {
    state,
    endSize: undefined,
    canonical: false,
    onCheckpoint: () => undefined,
    onSealed: () => {
      sizes = [state.size, sizes[0]]
    },
  })
  if (isFault(end)) throw broken(end)
  return sizes
}

async function readEnd(
  segment: Segment,
  size: number,
  verifier: NoteVerifier,
): Promise<Omit<Recovered, 'next'>> {
  const base = stateOf(segment)
  const tail: Buffer[] = []
  const end = await walkSegment(segment, {
    state: base,
    endSize: size,
    canonical: false,
    onCheckpoint: () => undefined,
    onAbandoned: (bytes) => void tail.push(bytes),
  })
  if (isFault(end)) throw broken(end)
  const whole = base.copy()
  const repeat = repeatable(tail, { state: whole, segment: segment.number })
  // one signature vouches for all before it: the root covers every leaf
  const opened = whole.note === null ? undefined : openCheckpoint(whole.note, verifier)
  if (opened?.kind === 'refused') {
    throw broken({ index: size, segment: segment.number, line: 0, reason: opened.reason })
  }
  return { base, repeat, whole }
}

/** The lines up to the last checkpoint among them, fed into the state. */
function repeatable(
  tail: readonly Buffer[],
  { state, segment }: { state: LogState; segment: number },
): Buffer {
  const lines: Buffer[] = []
  let sealed = 0
  for (const bytes of tail) {
    const fault = feed(state, bytes)
    if (fault !== undefined) throw broken({ index: state.size, segment, line: 0, reason: fault })
    lines.push(bytes, Buffer.from('\n'))
    if (bytes[0] === 0x22) sealed = lines.length
  }
  state.drop()
  return Buffer.concat(lines.slice(0, sealed))
}

function feed(state: LogState, bytes: Buffer): string | undefined {
  if (bytes[0] === 0x7b) return state.stage(bytes, { line: 0, canonical: true })?.reason
  const note = parseNoteLine(bytes)
  if (note === undefined) return 'a malformed checkpoint line'
  const sealed = state.seal(note, 0)
  return 'reason' in sealed ? sealed.reason : undefined
}

function stateOf(segment: Segment): LogState {
  const { header } = segment
  const state = header === null ? undefined : LogState.fromHeader(header)
  if (state !== undefined) return state
  const index = header?.size ?? 0
  throw broken({
    index,
    segment: segment.number,
    line: 1,
    reason: 'a header that contradicts itself',
  })
}

function broken({ index, segment, line, reason }: Fault): SekishoError {
  return new SekishoError(
    'LOG_BROKEN',
    `segment ${segment}, line ${line}, leaf ${index}: ${reason}`,
    { hint: 'run `sekisho log verify`, keep the files, and start with a new state directory' },
  )
}
