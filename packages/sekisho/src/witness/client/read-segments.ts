import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  Frontier,
  isFault,
  leafHash,
  listSegments,
  noteText,
  openSegment,
  parseCheckpoint,
  parseNoteLine,
  segmentName,
} from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'

/** After a checkpoint, or after a segment's header: the tree that stands before that. */
export type Place = { segment: number; offset: number; tree: Frontier }

/** The leaves that one checkpoint seals. */
export type Batch = { hashes: readonly Buffer[]; segment: number; end: number }

const CHUNK_BYTES = 1024 * 1024
const TAIL_BYTES = 64 * 1024
/** No writer leaves more without a checkpoint. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a
const LEAF = 0x7b
const CHECKPOINT = 0x22

/**
 * The last checkpoint over at most so many leaves, a signed note; undefined where there is none.
 * What is in the file and not durable yet must not be cosigned: a power cut would take it back.
 */
export async function newestNote(dir: string, durable: number): Promise<string | undefined> {
  for (const number of (await listSegments(dir)).toReversed()) {
    const note = await lastNoteOf(join(dir, segmentName(number)), durable)
    if (note !== undefined) return note
  }
  return undefined
}

/** Where the last segment that begins with at most so many leaves has its leaves. */
export async function placeBefore(dir: string, size: number): Promise<Place | undefined> {
  for (const number of (await listSegments(dir)).toReversed()) {
    const place = await beginningOf(dir, number)
    if (place !== undefined && place.tree.size <= size) return place
  }
  return undefined
}

/** What a segment goes on with after a place, sealed batch by sealed batch. */
export async function* batchesAfter(
  dir: string,
  { segment, offset }: Pick<Place, 'segment' | 'offset'>,
): AsyncGenerator<Batch> {
  const file = await open(join(dir, segmentName(segment)), 'r')
  try {
    let hashes: Buffer[] = []
    for await (const { line, end } of linesFrom(file, offset)) {
      if (line[0] === LEAF) hashes.push(leafHash(line))
      else if (line[0] === CHECKPOINT) {
        yield { hashes, segment, end }
        hashes = []
      } else throw broken(`segment ${segment}: neither a leaf nor a checkpoint before byte ${end}`)
    }
  } finally {
    await file.close()
  }
}

/** The segment in which a log goes on that has `size` leaves up to the end of this one. */
export async function placeAfter(
  dir: string,
  { segment, size }: { segment: number; size: number },
): Promise<Place | undefined> {
  let next: Place | undefined
  for (const number of await listSegments(dir)) {
    const place = number > segment ? await beginningOf(dir, number) : undefined
    // one that begins later follows a segment that is not at its end yet
    if (place !== undefined && place.tree.size <= size) next = place
  }
  return next
}

async function beginningOf(dir: string, number: number): Promise<Place | undefined> {
  const opened = await openSegment(dir, number)
  if (isFault(opened)) throw broken(`segment ${number}: ${opened.reason}`)
  const { header, headerText } = opened
  if (header === null) return undefined
  const hashes = header.frontier.map((hash) => Buffer.from(hash, 'base64'))
  const tree = Frontier.from(header.size, hashes)
  if (tree === undefined) throw broken(`segment ${number}: a header that contradicts itself`)
  return { segment: number, offset: Buffer.byteLength(headerText ?? '') + 1, tree }
}

async function* linesFrom(
  file: FileHandle,
  offset: number,
): AsyncGenerator<{ line: Buffer; end: number }> {
  let held: Buffer = Buffer.alloc(0)
  let at = offset
  for (;;) {
    const bytes = await readAt(file, at + held.length, CHUNK_BYTES)
    if (bytes.length === 0) return
    const all = Buffer.concat([held, bytes])
    let begin = 0
    for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, begin)) {
      yield { line: all.subarray(begin, end), end: at + end + 1 }
      begin = end + 1
    }
    held = all.subarray(begin)
    at += begin
    if (held.length > MAX_LINE_BYTES) throw broken('a line without an end')
  }
}

async function lastNoteOf(path: string, durable: number): Promise<string | undefined> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    for (let length = TAIL_BYTES; ; length *= 4) {
      const begin = Math.max(0, size - length)
      const note = lastNoteIn(await readAt(file, begin, size - begin), durable)
      if (note !== undefined || begin === 0) return note
    }
  } finally {
    await file.close()
  }
}

/** A piece of a line at the beginning is never taken for a checkpoint: it has no beginning. */
function lastNoteIn(bytes: Buffer, durable: number): string | undefined {
  let end = bytes.lastIndexOf(NEWLINE)
  while (end > 0) {
    const begin = bytes.lastIndexOf(NEWLINE, end - 1)
    if (begin < 0) return undefined
    const note =
      bytes[begin + 1] === CHECKPOINT ? parseNoteLine(bytes.subarray(begin + 1, end)) : undefined
    if (note !== undefined && (parseCheckpoint(noteText(note))?.size ?? 0) <= durable) return note
    end = begin
  }
  return undefined
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

export function broken(reason: string): SekishoError {
  return new SekishoError('LOG_BROKEN', reason, {
    hint: 'run `sekisho log verify`, keep the files, and start with a new state directory',
  })
}
