import { leafEffectOf, type LeafFacts, leafHash, MAX_LEAF_BYTES } from '@sekisho/verify'
import { canonicalAround, canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'

/** A leaf ready to be written: its line, and what the log must know of it. */
export type PreparedLeaf = { line: Buffer; facts: LeafFacts }

/** The key of the session that a leaf is of. */
export type LeafSigner = {
  /** first 16 bytes of the SHA-256 of its SubjectPublicKeyInfo, hex */
  readonly keyId: string
  /** ECDSA P-256, SHA-256, r‖s: 64 bytes */
  sign(bytes: Uint8Array): Buffer
}

export type Stamp = {
  /** RFC 3339, UTC, ms */
  nowText: string
  /** time of the leaf before; the log's time never goes back, and says when it was held */
  after: string | null
  /** undefined leaves the leaf to the checkpoint's signature alone */
  signer?: LeafSigner | undefined
}

const LEAF_VERSION = 2
/** Stands before what is signed, so that it is a signature of nothing else. */
const SIGNED_AS = 'sekisho/leaf/v2\n'
/** What the log itself says of a leaf; a caller's word for it would be signed as the log's. */
const STAMPED = ['v', 'at', 'clock', 'sig'] as const

/**
 * Adds `v`, `at` and the signature to what the caller hands over, and makes it canonical.
 *
 * @throws SekishoError PROTOCOL_VIOLATION for a leaf that the log's format has no place for
 */
export function prepareLeaf(leaf: object, { nowText, after, signer }: Stamp): PreparedLeaf {
  const isHeld = after !== null && nowText < after
  const at = isHeld ? after : nowText
  const stamped = STAMPED.find((name) => Object.hasOwn(leaf, name))
  if (stamped !== undefined) throw refused(`a leaf with a ${stamped} of its own`)
  const type = 'type' in leaf && typeof leaf.type === 'string' ? leaf.type : ''
  if (type === '') throw refused('a leaf without a type')
  const whole = { ...leaf, v: LEAF_VERSION, at, ...(isHeld ? { clock: 'held' } : {}) }
  const effect = leafEffectOf(whole)
  if (typeof effect === 'string') throw refused(effect)
  const line = Buffer.from(`${leafText(whole, signer)}\n`)
  const bytes = line.subarray(0, -1)
  if (bytes.length > MAX_LEAF_BYTES) throw refused(`a leaf of ${bytes.length} bytes`)
  return { line, facts: { hash: leafHash(bytes), version: LEAF_VERSION, type, at, effect } }
}

/** With its signature, which is over the text without it: the members are made canonical once. */
function leafText(whole: object, signer: LeafSigner | undefined): string {
  try {
    if (signer === undefined) return canonicalJson(whole)
    const { before, after } = canonicalAround(whole, 'sig') // neither is empty: `at`, `v`
    const signed = Buffer.from(`${SIGNED_AS}{${before},${after}}`)
    const value = signer.sign(signed).toString('base64')
    return `{${before},"sig":{"by":"${signer.keyId}","value":"${value}"},${after}}`
  } catch (cause) {
    if (cause instanceof TypeError) throw refused('a leaf that has no canonical form', cause)
    throw cause
  }
}

function refused(message: string, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', message, {
    hint: `a leaf is plain JSON of at most ${MAX_LEAF_BYTES} bytes`,
    cause,
  })
}
