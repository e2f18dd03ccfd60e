import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

/** What is shut out after an attempt to escape, and how two operators let it in again. */

export const QuarantineId = z.string().regex(/^q-[0-9a-z]{20}$/, 'want q- and 20 characters')

/** Printed to operators and signed by them: one line that cannot drive a terminal. */
const Reason = z
  .string()
  .trim()
  .min(1)
  .max(1024)
  .refine((text) => text.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text), {
    message: 'want one line of text without control characters',
  })

const Instant = z.iso.datetime({ precision: 3 })

/** What an operator signs, by its RFC 8785 text; see {@link releaseBytes}. */
export const ReleaseStatement = z.strictObject({
  quarantine: QuarantineId,
  agent: z.string().max(128),
  configuration: Digest,
  image: Digest.nullable(),
  reason: Reason,
  /** SHA-256 of the signer's public key */
  key: Digest,
  /** UTC; a signature is of no use from then on */
  expiresAt: Instant,
})
export type ReleaseStatement = z.infer<typeof ReleaseStatement>

export const SignedRelease = z.strictObject({
  statement: ReleaseStatement,
  /** Ed25519, base64 */
  signature: z.base64().length(88),
})
export type SignedRelease = z.infer<typeof SignedRelease>

/** The name in front keeps a signature over this from being one over anything else. */
export function releaseBytes(statement: ReleaseStatement): Uint8Array {
  return new TextEncoder().encode(`sekisho/quarantine-release/v1\0${canonicalJson(statement)}`)
}

export const QuarantineEntry = z.strictObject({
  id: QuarantineId,
  agent: z.string().max(128),
  configuration: Digest,
  image: Digest.nullable(),
  /** the session that tried to escape; null when there was none */
  session: SessionId.nullable(),
  reason: z.string().max(4096),
  setAt: Instant,
  /** directory name below the state's `evidence` */
  evidence: z.string().max(128).nullable(),
  /** who has agreed to a release; one of two, or both once it is released */
  consents: z
    .array(
      z.strictObject({
        operator: z.string().max(64),
        key: Digest,
        reason: Reason,
        expiresAt: Instant,
      }),
    )
    .max(2),
  releasedAt: Instant.nullable(),
})
export type QuarantineEntry = z.infer<typeof QuarantineEntry>

export const Quarantines = z.strictObject({
  /** oldest first */
  entries: z.array(QuarantineEntry).max(4096),
  /** names in the bundle's operators.yaml */
  operators: z.array(z.string()),
})
export type Quarantines = z.infer<typeof Quarantines>
