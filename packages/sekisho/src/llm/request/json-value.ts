import { parseJson, TwiceError } from '../../core/parse-json.ts'
import { isWellFormedJson } from '../hold/strict-json.ts'
import { RequestFault } from './request-fault.ts'

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An escape that may stand for half a character. */
const SURROGATE = /\\u[dD][89a-fA-F]/

/**
 * A value of JSON that everybody reads alike.
 *
 * @param names how many names of members it has as it is written, outside of strings
 * @throws RequestFault for what is no JSON or no UTF-8, for a name that stands twice in one object
 * (RFC 8259 §4) and for half a surrogate pair (§8.2)
 */
export function parseStrictly(bytes: Uint8Array, names: number): unknown {
  const text = decode(bytes)
  const value = parse(text)
  // of a name that stands twice, a parser keeps one
  if (names > 0 && countNames(value) !== names) {
    throw new RequestFault('a name that stands twice in one object')
  }
  if (text.includes('\\u') && SURROGATE.test(text) && !isWellFormedJson(value)) {
    throw new RequestFault('half a surrogate pair')
  }
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF_8.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new RequestFault('bytes that are no UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new RequestFault(error instanceof TwiceError ? error.message : 'no JSON')
  }
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let names = 0
  if (Array.isArray(value)) {
    for (const item of value) names += countNames(item)
    return names
  }
  for (const member of Object.values(value)) names += 1 + countNames(member)
  return names
}
