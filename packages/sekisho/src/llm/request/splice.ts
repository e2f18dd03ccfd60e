import { parseJson } from '../../core/parse-json.ts'
import { isObject } from '../hold/json-object.ts'
import { JsonScanner } from './json-scanner.ts'
import { parseStrictly } from './json-value.ts'

/** Where a value stands in a body: of its first byte, and of the byte behind its last. */
export type Span = { start: number; end: number }

/** One value in place of another, or as a member of the object that begins at `start`. */
export type Edit = Span & { text: string }

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Where the members of an object stand, by their names.
 *
 * @param at of its first byte, or of white space before it
 * @throws RequestFault where no object begins
 */
export function membersAt(body: Buffer, at: number): { open: number; spans: Map<string, Span> } {
  const scanner = new JsonScanner(body)
  scanner.at = at
  scanner.expect(OPEN_OBJECT)
  const open = scanner.at
  const spans = new Map<string, Span>()
  if (scanner.peek() === CLOSE_OBJECT) return { open, spans }
  do {
    scanner.peek()
    const from = scanner.at
    scanner.skipValue(1)
    const name = parseStrictly(body.subarray(from, scanner.at), 0)
    scanner.expect(0x3a)
    scanner.peek()
    const start = scanner.at
    scanner.skipValue(1)
    if (typeof name === 'string') spans.set(name, { start, end: scanner.at })
  } while (scanner.take(0x2c))
  return { open, spans }
}

/** Sets one member and leaves all other bytes as they are. @param text JSON */
export function setMember(
  { open, spans }: ReturnType<typeof membersAt>,
  name: string,
  text: string,
): Edit {
  const span = spans.get(name)
  if (span !== undefined) return { ...span, text }
  const comma = spans.size > 0 ? ',' : ''
  return { start: open, end: open, text: `${JSON.stringify(name)}:${text}${comma}` }
}

/** @param edits that do not overlap */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  const inOrder = [...edits].sort((one, other) => one.start - other.start)
  const pieces: Buffer[] = []
  let from = 0
  for (const { start, end, text } of inOrder) {
    pieces.push(body.subarray(from, start), Buffer.from(text))
    from = end
  }
  return Buffer.concat([...pieces, body.subarray(from)])
}

export function valueAt(body: Buffer, span: Span | undefined): unknown {
  if (span === undefined) return undefined
  const value: unknown = parseJson(body.toString('utf8', span.start, span.end))
  return value
}

export function isObjectAt(body: Buffer, span: Span | undefined): span is Span {
  return span !== undefined && isObject(valueAt(body, span))
}
