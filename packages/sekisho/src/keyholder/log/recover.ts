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
 * Finds where the log ends. Reads the last segment that seals anything, twice, and no other.
 *
 * It changes nothing: a torn end stays, and the next segment's header says what counts. The
 * newest batch is always to be repeated: nobody knows whether its flush came to an end.
 *
 * @throws SekishoError LOG_BROKEN when what was signed is not what is there
 */
export async function recoverLog(dir: string, verifier: NoteVerifier): Promise<Recovered> {
  const numbers = await listSegments(dir)
  const next = (numbers.at(-1) ?? 0) + 1
  const segment = await lastSealed(dir, numbers)
  if (segment === undefined) {
    return { next, base: LogState.empty(), repeat: Buffer.alloc(0), whole: LogState.empty() }
  }
  const size = await sizeBeforeNewest(segment)
  return { next, ...(await readEnd(segment, size, verifier)) }
}

async function lastSealed(dir: string, numbers: readonly number[]): Promise<Segment | undefined> {
  for (const number of numbers.toReversed()) {
    const segment = await openSegment(dir, number)
    if (isFault(segment)) throw broken(segment)
    if (segment.header !== null) return segment
  }
  return undefined
}

/** Leaves that the checkpoint before the segment's last one seals, or its header. */
async function sizeBeforeNewest(segment: Segment): Promise<number> {
  const state = stateOf(segment)
  let newest = state.size
  let before = newest
  const end = await walkSegment(segment, {
    state,
    endSize: undefined,
    canonical: false,
    onCheckpoint: () => undefined,
    onSealed: () => {
      before = newest
      newest = state.size
    },
  })
  if (isFault(end)) throw broken(end)
  return before
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
