import { decodeALabel } from './punycode.ts'

/** RFC 1035 §2.3.4, without the root label */
const MAX_HOST = 253

/** Checked before lower-casing: U+212A KELVIN SIGN becomes `k`. */
const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/

/**
 * In no name, and what mapping would replace (UTS 46 §4): a combining mark at the start, controls,
 * spaces, unassigned characters (not the joiners of RFC 5892), capitals (Cherokee has no others).
 */
const NOT_IN_NAMES = /^\p{M}|(?![\u200c\u200d])[\p{C}\p{Z}]|(?!\p{Script=Cherokee})[\p{Lu}\p{Lt}]/u

/**
 * The one spelling of a host name: lower case, one trailing dot dropped, ASCII letters, digits
 * and hyphens only (an internationalised name arrives as `xn--…`). Undefined for anything else.
 *
 * An `xn--` label must stand for a name outside ASCII: what decodes to nothing, or to a plain name, is
 * read by one IDNA library as it stands and by another as something else.
 *
 * A name whose last label could be read as a number (`127.1`, `0x7f000001`) is refused: WHATWG URL
 * and inet_aton take it for an IPv4 address, so two readers would disagree about where it leads.
 */
export function canonicalHost(text: string): string | undefined {
  if (text.length > MAX_HOST + 1) return undefined
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length > MAX_HOST) return undefined
  const labels = name.split('.')
  if (!labels.every((label) => LABEL.test(label))) return undefined
  if (/^(\d+|0[xX][0-9a-fA-F]*)$/.test(labels.at(-1) ?? '')) return undefined
  const host = name.toLowerCase()
  return !host.includes('xn--') || host.split('.').every(isPlainOrIdna) ? host : undefined
}

/** A canonical host, or `*.` and one: every name below it, at any depth, never the name itself. */
export function canonicalHostPattern(text: string): string | undefined {
  const isWildcard = text.startsWith('*.')
  const host = canonicalHost(isWildcard ? text.slice(2) : text)
  return host === undefined ? undefined : isWildcard ? `*.${host}` : host
}

/** Both canonical. `*.a.b` matches `x.a.b` and `x.y.a.b`, not `a.b` and not `xa.b`. */
export function matchesHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host
  return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
}

/** UTS 46 §4: what an `xn--` label decodes to is what mapping leaves as it is. */
function isPlainOrIdna(label: string): boolean {
  if (!label.startsWith('xn--')) return true
  const text = decodeALabel(label)
  if (text === undefined || NOT_IN_NAMES.test(text)) return false
  return text.normalize('NFKC') === text
}
