import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Line, linesOf } from './lines.ts'
import { type Fault, headSegment, type LogSource, type Segment, segmentName } from './segment.ts'

/** A log in a directory; for Node alone. */

const CHUNK_BYTES = 1024 * 1024

/** @throws what node:fs throws when the directory or a file in it cannot be read */
export function logIn(dir: string): LogSource {
  return { list: () => listSegments(dir), open: (number) => openSegment(dir, number) }
}

/** Numbers of the segments in a directory, ascending; other files are not the log's. */
export async function listSegments(dir: string): Promise<number[]> {
  const names = await readdir(dir)
  return names
    .filter((name) => /^\d{12}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 12)))
    .sort((a, b) => a - b)
}

/** A segment with its header; a Fault when the header is wrong. See {@link headSegment}. */
export function openSegment(dir: string, number: number): Promise<Segment | Fault> {
  const path = join(dir, segmentName(number))
  return headSegment(number, () => readLines(path))
}

/**
 * The lines of a file, as many at a time as one read gives; holds one chunk and one line.
 * Reads what is there now: a file that grows meanwhile is read up to some end.
 */
export async function* readLines(path: string): AsyncGenerator<Line[]> {
  const file = await open(path, 'r')
  try {
    yield* linesOf(piecesOf(file))
  } finally {
    await file.close()
  }
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let offset = 0
  for (;;) {
    const piece = Buffer.allocUnsafe(CHUNK_BYTES)
    const { bytesRead } = await file.read(piece, 0, CHUNK_BYTES, offset)
    if (bytesRead === 0) return
    offset += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}
