import { leafEffectOf, type LeafFacts, MAX_LEAF_BYTES } from '@sekisho/verify'
import { canonicalAround, canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'

/** A leaf that waits for its batch: its text but for the signature, and what the log must know of it. */
export type DraftLeaf = Omit<LeafFacts, 'hash'> & {
  /** canonical; of one that is to be signed the very bytes that are, with their context */
  text: Buffer
  /** who signs it, and where in `text` the signature is put */
  signed: { by: LeafSigner; cut: number } | undefined
  /** of its line, with the longest signature that it may get */
  maxBytes: number
}

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
export const SIGNED_AS = 'sekisho/leaf/v2\n'
/** `"sig":{…},` of one of 64 leaves, with its path of six hashes; see leaf-signing.ts. */
export const MAX_SIGNATURE_BYTES = 464
/** What the log itself says of a leaf; a caller's word for it would be signed as the log's. */
const STAMPED = ['v', 'at', 'clock', 'sig'] as const

/**
 * Adds `v` and `at` to what the caller hands over, and makes it canonical; it is signed with its batch.
 *
 * @throws SekishoError PROTOCOL_VIOLATION for a leaf that the log's format has no place for
 */
export function draftLeaf(leaf: object, { nowText, after, signer }: Stamp): DraftLeaf {
  const isHeld = after !== null && nowText < after
  const at = isHeld ? after : nowText
  const stamped = STAMPED.find((name) => Object.hasOwn(leaf, name))
  if (stamped !== undefined) throw refused(`a leaf with a ${stamped} of its own`)
  const type = 'type' in leaf && typeof leaf.type === 'string' ? leaf.type : ''
  if (type === '') throw refused('a leaf without a type')
  const whole = { ...leaf, v: LEAF_VERSION, at, ...(isHeld ? { clock: 'held' } : {}) }
  const effect = leafEffectOf(whole)
  if (typeof effect === 'string') throw refused(effect)
  const written = writeText(whole, signer)
  const bytes = written.maxBytes - 1
  if (bytes > MAX_LEAF_BYTES) throw refused(`a leaf of ${bytes} bytes`)
  return { ...written, version: LEAF_VERSION, type, at, effect }
}

function writeText(
  whole: object,
  signer: LeafSigner | undefined,
): Pick<DraftLeaf, 'text' | 'signed' | 'maxBytes'> {
  try {
    if (signer === undefined) {
      const text = Buffer.from(canonicalJson(whole))
      return { text, signed: undefined, maxBytes: text.length + 1 }
    }
    const { before, after } = canonicalAround(whole, 'sig') // neither is empty: `at`, `v`
    const head = `${SIGNED_AS}{${before},`
    const text = Buffer.from(`${head}${after}}`)
    const maxBytes = text.length - SIGNED_AS.length + MAX_SIGNATURE_BYTES + 1
    return { text, signed: { by: signer, cut: Buffer.byteLength(head) }, maxBytes }
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
