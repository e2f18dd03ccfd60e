import type { Detector, Span } from '../detector.ts'

/** A shorter run is as likely a name, a hash or an id. */
const MIN_BYTES = 40
/** So much of a run says what all of it is. */
const SAMPLE_BYTES = 2_048

/** Bits a character of a sample of random base64 has at least, but for 1 in 1,000; by length. */
const MIN_BASE64_BITS: readonly (readonly [number, number])[] = [
  [1_024, 5.9],
  [512, 5.8],
  [256, 5.6],
  [128, 5.25],
  [96, 5.05],
  [64, 4.7],
  [48, 4.4],
  [MIN_BYTES, 4.2],
]
/** The same for hexadecimal. */
const MIN_HEX_BITS = 3.55

/** Digests: MD5, SHA-1 and git's ids, SHA-224, SHA-256, SHA-384, SHA-512. */
const DIGEST_HEX_LENGTHS = new Set([32, 40, 56, 64, 96, 128])
/** Subresource integrity, lock files, image digests: `sha512-…`. */
const INTEGRITY = /(?:md5|sha-?\d{1,3}|h1|blake\w*)[-:=]{1,2}"?$/i
const INTEGRITY_START = /^(?:sha\d{1,3}|md5)-/i
/** Before an image or a font that is written into a page or a sheet. */
const MEDIA = /data:(?:image|font|audio|video|application\/(?:font|x-font|wasm))[^,]{0,80},$/i
/**
 * First bytes of what is no secret, in base64: PNG, JPEG, GIF, RIFF, fonts, PDF, WebAssembly; SSH
 * public keys; certificates and public keys of X.509.
 */
const KNOWN =
  /^(?:iVBORw0KGgo|\/9j\/|R0lGOD|UklGR|d09GR|d09GMg|AAEAAAA|T1RUTw|JVBERi0|AGFzbQ|AAAAB3NzaC1|AAAAC3NzaC1|AAAAE2VjZHNh|MII[A-J]|MIGf|MFkw|MCow)/

/** Blobs that look random: encrypted, compressed, or a key. */
export const blob: Detector = {
  id: 'entropy.blob',
  class: 'high-entropy',
  source: 'C. E. Shannon, A Mathematical Theory of Communication (1948) §6; RFC 4648',
  trigger: { kind: 'run', alphabet: 'base64', minBytes: MIN_BYTES },
  window: { before: 128, after: 0 },
  match(text, hit): readonly Span[] {
    const run = text.slice(hit.start, hit.end)
    const before = text.slice(0, hit.start)
    if (INTEGRITY.test(before) || INTEGRITY_START.test(run) || MEDIA.test(before)) return []
    const isBlob = /^[0-9a-f]+$/i.test(run) ? isRandomHex(run) : isRandomBase64(run)
    return isBlob ? [hit] : []
  },
}

function isRandomHex(run: string): boolean {
  if (DIGEST_HEX_LENGTHS.has(run.length)) return false
  const sample = run.slice(0, SAMPLE_BYTES).toLowerCase()
  return bitsPerCharacter(sample) >= MIN_HEX_BITS && !isText(Buffer.from(sample, 'hex'))
}

function isRandomBase64(run: string): boolean {
  if (KNOWN.test(run)) return false
  const sample = run.slice(0, SAMPLE_BYTES).replace(/=+$/, '')
  const [, least = Number.POSITIVE_INFINITY] =
    MIN_BASE64_BITS.find(([length]) => sample.length >= length) ?? []
  if (bitsPerCharacter(sample) < least || isWritten(sample)) return false
  return !isText(Buffer.from(sample, 'base64'))
}

function bitsPerCharacter(sample: string): number {
  const counts = new Map<string, number>()
  for (const character of sample) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values())
    bits -= (count / sample.length) * Math.log2(count / sample.length)
  return bits
}

/** Share of pairs within one kind of character: words and paths have two thirds, chance a third. */
const MAX_EVEN_PAIRS = 0.52
const MIN_DIGITS = 0.04

/**
 * Words, paths and names that are joined: pairs of letters of one case follow one another more
 * often than chance has it, and digits are few.
 */
function isWritten(sample: string): boolean {
  const kinds = sample.replace(/[a-z]/g, 'a').replace(/[A-Z]/g, 'A').replace(/\d/g, '0')
  let even = 0
  for (let at = 1; at < kinds.length; at++) if (kinds[at] === kinds[at - 1]) even += 1
  const digits = kinds.split('0').length - 1
  return even / (kinds.length - 1) > MAX_EVEN_PAIRS || digits / kinds.length < MIN_DIGITS
}

/** Text that is merely encoded: what it says is seen in a view. */
function isText(bytes: Buffer): boolean {
  let printable = 0
  for (const byte of bytes) if ((byte >= 0x20 && byte < 0x7f) || byte === 0x0a) printable += 1
  return printable >= bytes.length * 0.85
}
