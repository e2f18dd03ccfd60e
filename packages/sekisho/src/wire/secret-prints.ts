import * as z from 'zod'

/** No secret is longer; key files and service accounts are far below. */
export const MAX_SECRET_BYTES = 16_384
/** A shorter one would be met by chance, and guessed from its print in no time. */
export const MIN_SECRET_BYTES = 8
/** JSON writes one byte as six at most. */
const MAX_SPELLING_BYTES = MAX_SECRET_BYTES * 6

/** How one spelling of a secret is recognised without holding it: see `detect/egress/secret-prints`. */
export const SecretPrint = z.strictObject({
  /** length of the spelling */
  bytes: z.int().min(MIN_SECRET_BYTES).max(MAX_SPELLING_BYTES),
  /** where in the spelling the eight bytes stand that are looked for first */
  windowAt: z.int().min(0).max(MAX_SPELLING_BYTES),
  /** keyed 32-bit hash of those */
  window: z.int().min(0).max(0xff_ff_ff_ff),
  /** first half of the HMAC-SHA-256 of the whole spelling, lower-case hexadecimal */
  tag: z.string().regex(/^[0-9a-f]{32}$/),
})
export type SecretPrint = z.infer<typeof SecretPrint>

/** All spellings of one secret. */
export const SecretPrints = z.strictObject({
  class: z.enum(['platform-secret', 'canary']),
  /** the secret's name; findings are called `platform.NAME` or `canary.NAME` */
  name: z.string().min(1).max(128),
  prints: z.array(SecretPrint).min(1).max(128),
})
export type SecretPrints = z.infer<typeof SecretPrints>

/** What a gate needs to recognise secrets: the prints, and the key they were made with. */
export const SecretPrintSet = z.strictObject({
  /** 32 bytes, base64 */
  key: z.base64().length(44),
  secrets: z.array(SecretPrints).max(1_024),
})
export type SecretPrintSet = z.infer<typeof SecretPrintSet>
