/** RFC 3986 §2.3: these mean themselves, encoded or not */
const UNRESERVED = /[A-Za-z0-9\-._~]/
/** Printable ASCII that clients send raw though RFC 3986 §3.3 wants it encoded in a path. */
const ENCODE = /["<>[\]^`{|}]/g
/**
 * `.` and `..`, with what some servers cut off before they resolve dots: path parameters
 * (`/..;/admin`), and on Windows spaces and control characters.
 */
const DOT_SEGMENT = /(^|[/\\])\.{1,2}[\p{Cc}\s]*(;[^/\\]*)?([/\\]|$)/u
/** Overlong UTF-8 (RFC 3629 §3), byte by byte: `%C0%AE` is a dot to a careless decoder. */
const OVERLONG =
  /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|\xf8[\x80-\x87]|\xfc[\x80-\x83]/
/** Nobody encodes a path so often; each round costs as much as the path is long. */
const MAX_DECODINGS = 4
const UTF_8 = new TextDecoder()

/**
 * The one spelling of a URL path: percent-escapes upper-case, unreserved characters decoded, the
 * rest as it came; empty segments stay. Undefined where two servers could read it differently:
 * a dot segment in any disguise (`%2e`, `..%2f`, `..;x`, double encoding), a backslash, a control
 * character, a broken escape, a raw byte outside ASCII, a beginning of `//`, which as a reference
 * names a host (RFC 3986 §4.2: `new URL(request.url, base)`).
 *
 * `%2F` stays `%2F`: npm sends scoped names so. The policy decides by both readings of it.
 */
export function canonicalPath(raw: string): string | undefined {
  if (!/^\/(?!\/)[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*$/.test(raw)) return undefined // no # ? \ space
  const path = raw.includes('%') ? normaliseEscapes(raw) : raw
  if (path === undefined || hasDotSegment(path)) return undefined
  return path.replace(ENCODE, percentEncode)
}

/** A raw query without `?`; undefined where it holds what no client may send raw. */
export function canonicalQuery(raw: string): string | undefined {
  return /^[\x21\x22\x24-\x7e]*$/.test(raw) ? raw : undefined
}

function normaliseEscapes(raw: string): string | undefined {
  let isBroken = false
  const path = raw.replace(/%(.{0,2})/g, (_, hex: string) => {
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) isBroken = true
    const code = Number.parseInt(hex, 16)
    if (code < 0x20 || code === 0x7f || code === 0x5c) isBroken = true // controls, backslash
    const character = String.fromCharCode(code)
    return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`
  })
  return isBroken ? undefined : path
}

/**
 * Looks through every further decoding that a careless server might do; past `MAX_DECODINGS` the
 * path counts as one that hides something.
 */
function hasDotSegment(path: string): boolean {
  let reading = path
  for (let round = 0; round <= MAX_DECODINGS; round++) {
    if (DOT_SEGMENT.test(reading) || isDisguised(reading)) return true
    const next = decodeBytes(reading)
    if (next === reading) return false
    reading = next
  }
  return true
}

/** @param reading bytes, one a character. Fullwidth dots and slashes are dots where names are NFKC. */
function isDisguised(reading: string): boolean {
  if (!/[\x80-\xff]/.test(reading)) return false
  if (OVERLONG.test(reading)) return true
  const text = UTF_8.decode(Uint8Array.from(reading, (byte) => byte.charCodeAt(0)))
  return DOT_SEGMENT.test(text.normalize('NFKC'))
}

/** one byte a character */
function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
