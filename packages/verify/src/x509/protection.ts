/**
 * The extension of this project's certificates: where the private key is, and in a session's SVID
 * what the session runs.
 *
 * ```
 * SekishoProtection ::= SEQUENCE {
 *   class          UTF8String,
 *   emulated       BOOLEAN,              -- always written, FALSE too
 *   configuration  UTF8String OPTIONAL } -- "sha256:" and 64 hexadecimal digits
 * ```
 */

/** Below 2.25, the arc of UUIDs (X.667), which nobody has to be asked for. */
export const PROTECTION_OID = '2.25.147696067060903613526990975810083809553'
/** The same, as the OBJECT IDENTIFIER's whole DER: its arc does not fit a number. */
export const PROTECTION_OID_DER: Buffer = Buffer.from(
  '06146981de9d9d94d1c4bab8979bb78baafc8593d211',
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
