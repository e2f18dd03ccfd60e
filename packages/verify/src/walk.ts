import type { Line } from './lines.ts'
import { type Fault, isCheckpointLine, type Segment } from './segment.ts'
import type { LogState, StagedLeaf, StateFault } from './state.ts'

export type Walk = {
  state: LogState
  /** leaves before the next segment: what stands after that here is not part of the log */
  endSize: number | undefined
  /**
   * the checkpoint that the next segment goes on from; several can be of that size, the later ones
   * with one signature more. undefined: the first of that size
   */
  endNote?: string | null | undefined
  /** whether to check each leaf's canonical form */
  canonical: boolean
  /** why this checkpoint is not taken; undefined takes it */
  onCheckpoint(note: string): string | undefined
  /** @param bytes of each leaf, in its canonical form */
  onSealed?(leaves: readonly StagedLeaf[], bytes: readonly Buffer[]): void
  /** after `onSealed`: why the checkpoint is not taken after all; undefined takes it */
  onHead?(note: string, sealed: number): string | undefined
  /** awaited after each piece of the file, so that whoever follows can keep up */
  drain?(): Promise<void>
  /** a whole line after the end */
  onAbandoned?(bytes: Buffer): void
}

/** What stands after the last checkpoint of a segment. */
export type WalkEnd = { unsealedBytes: number }

/**
 * Feeds one segment into the state, whose sealed part must be where the segment's header says.
 * A torn last line and leaves without a checkpoint are no fault: they were never acknowledged.
 */
export async function walkSegment(segment: Segment, walk: Walk): Promise<WalkEnd | Fault> {
  let number = 0
  let unsealedBytes = 0
  const holding: Holding = { ...walk, held: [] }
  for await (const lines of segment.lines()) {
    for (const line of lines) {
      number += 1
      if (number === 1) continue // the header, read before
      const fault = takeLine(line, number, holding)
      if (fault !== undefined) return { ...fault, segment: segment.number }
      unsealedBytes = isCheckpointLine(line) ? 0 : unsealedBytes + line.bytes.length + 1
    }
    await walk.drain?.()
  }
  walk.state.drop()
  const { endSize } = walk
  if (endSize === undefined || endSize === walk.state.size) return { unsealedBytes }
  const reason = `the next segment begins after ${endSize} leaves, this one ends after ${walk.state.size}`
  return {
    index: Math.min(endSize, walk.state.size),
    segment: segment.number,
    line: number,
    reason,
  }
}

/** @param walk.held the leaves that wait for their checkpoint */
type Holding = Walk & { held: Buffer[] }

function takeLine(taken: Line, line: number, walk: Holding): StateFault | undefined {
  const { bytes, end } = taken
  const { state } = walk
  if (isEnded(walk)) {
    if (end === 'newline') walk.onAbandoned?.(bytes)
    return undefined
  }
  if (end === 'eof') return undefined
  const index = state.size + state.staged.length
  if (end === 'too-long') return { index, line, reason: 'a line without an end' }
  if (bytes[0] === 0x7b) {
    if (walk.onSealed !== undefined) walk.held.push(bytes)
    return state.stage(bytes, { line, canonical: walk.canonical })
  }
  if (isCheckpointLine(taken)) return takeCheckpoint(bytes, line, walk)
  return { index, line, reason: 'neither a leaf nor a checkpoint' }
}

function isEnded({ state, endSize, endNote }: Walk): boolean {
  return state.size === endSize && (endNote === undefined || state.note === endNote)
}

function takeCheckpoint(bytes: Buffer, line: number, walk: Holding): StateFault | undefined {
  const { state } = walk
  const note = parseNoteLine(bytes)
  if (note === undefined) return { index: state.size, line, reason: 'a malformed checkpoint line' }
  const refused = walk.onCheckpoint(note)
  if (refused !== undefined) return { index: state.size, line, reason: refused }
  const sealed = state.seal(note, line)
  if ('reason' in sealed) return sealed
  walk.onSealed?.(sealed, walk.held.splice(0))
  const reason = walk.onHead?.(note, sealed.length)
  return reason === undefined ? undefined : { index: state.size, line, reason }
}

/** The note in a checkpoint line; undefined unless the line is exactly its JSON string. */
export function parseNoteLine(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  try {
    const note: unknown = JSON.parse(text)
    return typeof note === 'string' && JSON.stringify(note) === text ? note : undefined
  } catch {
    return undefined // torn or edited: the caller names the line
  }
}
