import * as z from 'zod'
import { SessionId } from './schemas.ts'

/** First 16 bytes of the SHA-256 of a key's SubjectPublicKeyInfo, in hex. */
export const KeyId = z.string().regex(/^[0-9a-f]{32}$/, 'want 32 hexadecimal digits')
/** DER in base64, of one certificate. */
export const Certificate = z.base64().max(8192)
/** An SPIFFE ID (SPIFFE-ID §2): a URI of the trust domain. */
export const SpiffeId = z.string().regex(/^spiffe:\/\/[a-z0-9._-]{1,255}\/[\x21-\x7e]{1,1500}$/)

/** Where a private key is, as a certificate's extension says it. */
export const Protection = z.strictObject({
  /** `derived`: from the platform's own master key; `software`: in memory alone */
  class: z.enum(['derived', 'software', 'passphrase', 'pkcs11', 'tpm2']),
  /** a device that is a program: SoftHSM2, swtpm */
  emulated: z.boolean(),
})
export type Protection = z.infer<typeof Protection>

/** ECDSA P-256, SHA-256, r‖s, base64. */
export const KeySignature = z.strictObject({ by: KeyId, value: z.base64().length(88) })
export type KeySignature = z.infer<typeof KeySignature>

/** A signature of a leaf, or of what a gate handed over; `batch` where it is one of several texts. */
export const LeafSignature = KeySignature.extend({
  /** where its text stands in the tree whose root is signed, as `@sekisho/verify` makes it */
  batch: z
    .strictObject({
      at: z.int().min(0).max(63),
      of: z.int().min(2).max(64),
      /** SHA-256 each, from the leaf up */
      path: z.array(z.base64().length(44)).min(1).max(6),
    })
    .optional(),
})
export type LeafSignature = z.infer<typeof LeafSignature>

/** Which of the gate processes; a restarted one has the same. */
export const GateIndex = z.int().min(0).max(63)

/** Whose identity: a session's, or a gate's. */
export const IdentityOf = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('session'), session: SessionId }),
  z.strictObject({ kind: z.literal('gate'), gate: GateIndex }),
])
export type IdentityOf = z.infer<typeof IdentityOf>

/** What the root is asked to certify; it makes the certificate by itself, of a fixed profile. */
export const RootRequest = z.strictObject({
  /** `issuing`: may issue end-entity certificates; `log`: signs checkpoints */
  purpose: z.enum(['issuing', 'log']),
  /** SubjectPublicKeyInfo, DER in base64 */
  spki: z.base64().max(4096),
  trustDomain: z.string().max(255),
  protection: Protection,
  /** Unix ms */
  notBefore: z.int(),
  notAfter: z.int(),
})
export type RootRequest = z.infer<typeof RootRequest>

export const ConflictKind = z.enum([
  /** a second start or resumption under an id that is in use, or was */
  'second-open',
  /** a gate other than the session's own speaks for it */
  'other-gate',
  /** a sequence number again, or an older one: a copy of the gate or of its channel */
  'sequence',
  /** a key or an id that was issued before */
  'duplicate-key',
  /** a signature that is not by the key it names */
  'bad-signature',
])
export type ConflictKind = z.infer<typeof ConflictKind>

/** What a gate signs to show that it has the key that it wants certified. */
export function gateKeyBytes(spki: string): Buffer {
  return Buffer.from(`sekisho/gate-key/v1\n${spki}\n`)
}

/** What a gate signs of an outcome. @param text the leaf without its claim, RFC 8785 */
export function claimBytes(text: string): Buffer {
  return Buffer.from(`sekisho/claim/v2\n${text}`)
}

/** What the key before signs of the key that follows it. */
export function rotationBytes(before: string, after: string): Buffer {
  return Buffer.from(`sekisho/rotation/v1\n${before}\n${after}\n`)
}
