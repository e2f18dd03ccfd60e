/** RFC 3986 §2.3: these mean themselves, encoded or not */
const UNRESERVED = /[A-Za-z0-9\-._~]/
/** Printable ASCII that clients send raw though RFC 3986 §3.3 wants it encoded in a path. */
const ENCODE = /["<>[\]^`{|}]/g

/**
 * The one spelling of a URL path: percent-escapes upper-case, unreserved characters decoded, the
 * rest as it came; empty segments stay. Undefined where two servers could read it differently:
 * a dot segment in any disguise (`%2e`, `..%2f`, `..;x`, double encoding), a backslash, a control
 * character, a broken escape, a raw byte outside ASCII.
 *
 * `%2F` stays `%2F`: npm sends scoped names so. The policy decides by both readings of it.
 */
export function canonicalPath(raw: string): string | undefined {
  if (!/^\/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*$/.test(raw)) return undefined // no # ? \ space
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
 * Looks through every further decoding that a careless server might do, and through path
 * parameters, which some servers cut off before they resolve dots (`/..;/admin`).
 */
function hasDotSegment(path: string): boolean {
  for (let reading = path; ; ) {
    if (/(^|[/\\])\.{1,2}(;[^/\\]*)?([/\\]|$)/.test(reading)) return true
    const next = reading.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (next === reading) return false
    reading = next
  }
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
