import { fromBase64 } from '../base64.ts'
import { HASH_BYTES } from '../merkle.ts'

/**
 * A bundle is one file that holds a log, or one session of it, for somebody who has nothing else:
 *
 * ```
 * sekisho-bundle/v1 log            sekisho-bundle/v1 session s-0123456789abcdefghij
 * segment 1                        checkpoint "the signed note, as a JSON string"
 * #{header of the segment}         leaf 17 6Zk…=,s0v…=
 * {leaf}                           {leaf}
 * "checkpoint"                     leaf 19 …
 * …                                …
 * end 1234                         end 56
 * ```
 *
 * Leaves stand in their canonical form, octet by octet as they were signed. `leaf` gives the index
 * and the path that proves the leaf below it, against the checkpoint (RFC 9162 §2.1.3). `end` says
 * how many lines there are before it: half a bundle is none.
 */
export const FIRST_WORD = 'sekisho-bundle/v1'

/** A path to the root of 2^53 leaves. */
const MAX_HASHES = 53

export type BundleHead = { kind: 'log' } | { kind: 'session'; session: string }

export function formatHead(head: BundleHead): string {
  return head.kind === 'log' ? `${FIRST_WORD} log` : `${FIRST_WORD} session ${head.session}`
}

/** A string says why it is none. */
export function parseHead(line: string): BundleHead | string {
  const [, version] = /^sekisho-bundle\/(v\d{1,9}) /.exec(line) ?? []
  if (version === undefined) return 'not a bundle'
  if (version !== 'v1')
    return `a bundle of version ${version.slice(1)}, which this program does not know`
  if (line === `${FIRST_WORD} log`) return { kind: 'log' }
  const [, session] = /^\S+ session (s-[0-9a-z]{20})$/.exec(line) ?? []
  return session === undefined ? 'a bundle of nothing that is known' : { kind: 'session', session }
}

export type LeafPlace = { index: number; hashes: Buffer[] }

export function formatPlace({ index, hashes }: LeafPlace): string {
  return `leaf ${index} ${hashes.map((hash) => hash.toString('base64')).join(',')}`
}

export function parsePlace(line: string): LeafPlace | undefined {
  const [, digits, path = ''] = /^leaf (0|[1-9]\d{0,15}) ([A-Za-z0-9+/=,]*)$/.exec(line) ?? []
  const index = Number(digits)
  if (digits === undefined || !Number.isSafeInteger(index)) return undefined
  const texts = path === '' ? [] : path.split(',')
  const hashes = texts.map(fromBase64)
  const isPath = hashes.length <= MAX_HASHES && hashes.every((hash) => hash?.length === HASH_BYTES)
  return isPath ? { index, hashes: hashes.filter((hash) => hash !== undefined) } : undefined
}

/** Number after a word; undefined for anything else. */
export function parseNumbered(word: string, line: string): number | undefined {
  const [, digits] = new RegExp(`^${word} (0|[1-9]\\d{0,11})$`).exec(line) ?? []
  return digits === undefined ? undefined : Number(digits)
}
