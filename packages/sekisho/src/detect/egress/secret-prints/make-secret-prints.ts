import {
  MAX_SECRET_BYTES,
  MIN_SECRET_BYTES,
  type SecretPrint,
  type SecretPrints,
} from '../../../wire/secret-prints.ts'
import { spellings } from '../../needles.ts'
import { undoEscapes } from '../views/escapes.ts'
import { type KeyedHash, keyedHash, WINDOW_BYTES, windowHash } from './keyed-hash.ts'

export type MadePrints =
  | { kind: 'made'; prints: SecretPrints }
  /** cannot be looked for; to be reported as not met */
  | { kind: 'refused'; reason: string }

/**
 * Prints by which a gate recognises a secret in any spelling without holding it. Made by the
 * keyholder; white space around the value does not count.
 *
 * A print holds a length, a keyed 32-bit hash of eight bytes of the spelling (`windowAt` says
 * which: the least predictable ones near the middle, so that a well-known prefix or ending costs
 * no work) and half of a keyed HMAC-SHA-256 of the whole.
 *
 * *What prints reveal that are stolen without their key*: lengths, and which secrets are the same.
 * *With the key* (a gate has both): a guess can be checked, at the speed of SHA-256. That is
 * nothing against a random token of 128 bits or more. But each window tells 32 bits about its eight
 * bytes, and those of the hexadecimal and percent spellings are three or four characters of the
 * secret, so a few characters of its middle must be taken as known; and a password that a dictionary
 * or a search of some 2^50 finds is found. Such values should not be secrets of the platform; those
 * under eight bytes are refused.
 *
 * @param key 32 bytes, the same for all prints of a gate
 */
export function makeSecretPrints(name: string, value: string, key: Uint8Array): MadePrints {
  return makePrints({ class: 'platform-secret', name, value }, keyedHash(key))
}

export function makePrints(
  secret: { class: SecretPrints['class']; name: string; value: string },
  hash: KeyedHash,
): MadePrints {
  const value = secret.value.trim()
  const length = Buffer.byteLength(value)
  if (length < MIN_SECRET_BYTES) {
    return { kind: 'refused', reason: `${secret.name} is shorter than ${MIN_SECRET_BYTES} bytes` }
  }
  if (length > MAX_SECRET_BYTES) {
    return { kind: 'refused', reason: `${secret.name} is longer than ${MAX_SECRET_BYTES} bytes` }
  }
  const prints = allSpellings(value)
    .filter((spelling) => spelling.length >= MIN_SECRET_BYTES)
    .map((spelling) => printOf(spelling, hash))
  return { kind: 'made', prints: { class: secret.class, name: secret.name, prints } }
}

/** Also as a view shows a value that looks escaped itself, such as a password with `%20` in it. */
function allSpellings(value: string): Buffer[] {
  const undone = Buffer.from(undoEscapes(Buffer.from(value, 'utf8')))
  const all = [...spellings(value), undone]
  return [...new Map(all.map((bytes) => [bytes.toString('latin1'), bytes])).values()]
}

function printOf(spelling: Buffer, hash: KeyedHash): SecretPrint {
  const windowAt = leastPredictable(spelling)
  return {
    bytes: spelling.length,
    windowAt,
    window: windowHash(hash, spelling, windowAt) >>> 0,
    tag: hash.tag(spelling),
  }
}

/** Windows are compared within this distance from the middle. */
const SEARCHED_BYTES = 64

/** Where the window stands whose bytes change most; of equal ones the nearest to the middle. */
function leastPredictable(spelling: Buffer): number {
  const last = spelling.length - WINDOW_BYTES
  const middle = Math.floor(last / 2)
  let best = { at: middle, score: variety(spelling, middle) }
  for (let step = 1; step <= Math.min(SEARCHED_BYTES, last); step++) {
    for (const at of [middle - step, middle + step]) {
      const score = at < 0 || at > last ? 0 : variety(spelling, at)
      if (score > best.score) best = { at, score }
    }
  }
  return best.at
}

/** Distinct bytes, and changes between lower case, upper case, digits and the rest. */
function variety(spelling: Buffer, at: number): number {
  let score = 0
  for (let index = at; index < at + WINDOW_BYTES; index++) {
    const byte = spelling[index] ?? 0
    let first = at
    while (spelling[first] !== byte) first++
    if (first === index) score += 1
    if (index > at && kindOf(byte) !== kindOf(spelling[index - 1] ?? 0)) score += 1
  }
  return score
}

/** By the first three bits: 1 is signs and digits, 2 upper case, 3 lower case. */
function kindOf(byte: number): number {
  return byte >= 0x30 && byte <= 0x39 ? 0 : byte >>> 5
}
