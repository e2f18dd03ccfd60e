/** A line without its end. `eof`: the file stops inside it; `too-long`: it was given up. */
export type Line = { bytes: Buffer; end: 'newline' | 'eof' | 'too-long' }

/** Room for a header with every intent open that a host can have; a leaf is far below. */
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a

/** The lines of a file that comes in pieces, as many at a time as one piece ends. */
export async function* linesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let held: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    const { lines, rest } = cut(Buffer.concat([held, piece]))
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
