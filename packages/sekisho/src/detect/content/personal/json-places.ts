import type { Span } from '../../egress/detector.ts'

const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const ESCAPE = /\\+(?:u[0-9a-fA-F]{4}|[nrtbf"/])?/g

/**
 * A body of the same length without escapes of JSON, at any depth of JSON in JSON: the `n` of `\n`
 * is no letter of the address behind it.
 */
export function maskEscapes(body: Buffer): Buffer {
  if (!body.includes(BACKSLASH)) return body
  const masked = body.toString('latin1').replace(ESCAPE, (escape) => ' '.repeat(escape.length))
  return Buffer.from(masked, 'latin1')
}

/** Of each place, whether it stands in a string of JSON. Places in order, none over another. */
export function placesInStrings(json: Buffer, places: readonly Span[]): boolean[] {
  let isInString = false
  let at = 0
  return places.map(({ start }) => {
    for (; at < start; at++) {
      const byte = json[at]
      if (byte === QUOTE) isInString = !isInString
      else if (byte === BACKSLASH && isInString) at += 1
    }
    return isInString
  })
}

/** The whole of a number of JSON (RFC 8259 §6), of which a place is a part. */
export function numberAround(json: Buffer, { start, end }: Span): Span {
  let from = start
  while (from > 0 && isOfNumber(json[from - 1])) from--
  let to = end
  while (to < json.length && isOfNumber(json[to])) to++
  return { start: from, end: to }
}

function isOfNumber(byte: number | undefined): boolean {
  if (byte === undefined || byte === SPACE) return false
  return (byte >= 0x30 && byte <= 0x39) || '+-.eE'.includes(String.fromCharCode(byte))
}
