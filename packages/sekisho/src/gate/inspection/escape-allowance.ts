import { ESCAPE_STARTS, MAX_ESCAPE_BYTES } from '../../detect/egress/views/escape-forms.ts'
import { MAX_DEPTH } from '../../detect/egress/views/viewed-scan.ts'

/**
 * One character escaped as many times over as views look, of which only the first escape begins with
 * a byte that stands there: each goes on with what the one before it says.
 */
const CHAIN_ALLOWANCE = MAX_DEPTH * (MAX_ESCAPE_BYTES - 1)
/** `\uXXXX` of what is no ASCII, and so says nothing else: five of its bytes beside the character. */
const UNICODE_ALLOWANCE = 5
/** Full-width forms are three bytes. */
const WIDE_ALLOWANCE = 2

/** What follows a backslash that takes two bytes for one character: `"` `/` `\` `'` `b` `f` `n` `r` `t`. */
const SIMPLE: ReadonlySet<number> = new Set(Buffer.from(`"/\\'bfnrt`))
/** Full-width `%`, `&`, `\`: they may begin an escape themselves. */
const WIDE_STARTS: ReadonlySet<number> = new Set([0x85, 0x86, 0xbc])

const BACKSLASH = 0x5c
const WIDE = 0xef
const LETTER_U = 0x75
/** The first digits of four, of no ASCII and of nothing full-width. */
const OTHER_THAN_ASCII = /^(?:[1-9a-e].|0[1-9a-f])$/i

/**
 * For a byte that may begin an escape: how many bytes of it, and of what it may stand for, are to be
 * counted as none, so that a character counts as one at most. 0 for any other byte.
 */
export function escapeAllowance(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (ESCAPE_STARTS[first] !== 1) return 0
  const next = bytes[at + 1] ?? 0
  if (first === BACKSLASH) return ofBackslash(bytes, at, next)
  if (first === WIDE) return WIDE_STARTS.has(bytes[at + 2] ?? 0) ? CHAIN_ALLOWANCE : WIDE_ALLOWANCE
  return CHAIN_ALLOWANCE
}

function ofBackslash(bytes: Uint8Array, at: number, next: number): number {
  if (SIMPLE.has(next)) return 1
  if (next !== LETTER_U) return CHAIN_ALLOWANCE
  // of ASCII, or full-width ASCII, it is an escape again; and so may be what is not whole here
  const digits = Buffer.from(bytes.subarray(at + 2, at + 4)).toString('latin1')
  return OTHER_THAN_ASCII.test(digits) ? UNICODE_ALLOWANCE : CHAIN_ALLOWANCE
}
