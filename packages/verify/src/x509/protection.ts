/**
 * The extension of this project's certificates, never critical: where the private key is, and in
 * a session's SVID what the session runs.
 *
 * ```
 * Protection ::= SEQUENCE {
 *   class          UTF8String,
 *   emulated       BOOLEAN,                       -- always written, FALSE too
 *   configuration  [0] IMPLICIT OCTET STRING (SIZE (32)) OPTIONAL }
 * ```
 */

/** Below 2.25, the arc of UUIDs (X.667), which nobody has to be asked for. */
export const PROTECTION_OID = '2.25.52666744363370172257093562158979196593'
/** The same, as the OBJECT IDENTIFIER's whole DER: its arc does not fit a number. */
export const PROTECTION_OID_DER: Buffer = Buffer.from(
  '061369cf9f9fbec4af9286e7b792cbeebfda8ecd31',
  'hex',
)

/** `derived`: from the platform's own master key; `software`: in memory alone. */
export const PROTECTION_CLASSES = ['derived', 'software', 'passphrase', 'pkcs11', 'tpm2'] as const

export type CertifiedProtection = {
  class: (typeof PROTECTION_CLASSES)[number]
  /** the device is a program */
  emulated: boolean
  /** `sha256:` and hexadecimal digits; null in any certificate but a session's */
  configuration: string | null
}
