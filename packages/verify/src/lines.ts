import { type FileHandle, open } from 'node:fs/promises'

/** A line without its end. `eof`: the file stops inside it; `too-long`: it was given up. */
export type Line = { bytes: Buffer; end: 'newline' | 'eof' | 'too-long' }

const CHUNK_BYTES = 1024 * 1024
/** Room for a header with every intent open that a host can have; a leaf is far below. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * The lines of a file, as many at a time as one read gives; holds one chunk and one line.
 * Reads what is there now: a file that grows meanwhile is read up to some end.
 */
export async function* readLines(path: string): AsyncGenerator<Line[]> {
  const file = await open(path, 'r')
  try {
    yield* linesOf(file)
  } finally {
    await file.close()
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<Line[]> {
  let held: Buffer = Buffer.alloc(0)
  let offset = 0
  for (;;) {
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(CHUNK_BYTES),
      0,
      CHUNK_BYTES,
      offset,
    )
    if (bytesRead === 0) break
    offset += bytesRead
    const { lines, rest } = cut(Buffer.concat([held, buffer.subarray(0, bytesRead)]))
    if (rest.length > MAX_LINE_BYTES) {
      yield [...lines, { bytes: Buffer.alloc(0), end: 'too-long' }]
      return
    }
    held = rest
    if (lines.length > 0) yield lines
  }
  if (held.length > 0) yield [{ bytes: held, end: 'eof' }]
}

function cut(bytes: Buffer): { lines: Line[]; rest: Buffer } {
  const lines: Line[] = []
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    lines.push({ bytes: bytes.subarray(start, end), end: 'newline' })
    start = end + 1
  }
  return { lines, rest: bytes.subarray(start) }
}
