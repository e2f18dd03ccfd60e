import * as z from 'zod'
import { Certificate, Protection, RootRequest } from './identity.ts'
import { HeldRootSettings, TrustDomain } from './root-settings.ts'

const Bytes = z.base64().max(4096)

/** What is kept of a key that only a passphrase opens (docs/guides/root-keys.md). */
export const PassphraseKey = z.strictObject({
  provider: z.literal('passphrase'),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    // the file is not trusted before its tag is checked: bounds on what it makes this process do
    N: z
      .int()
      .min(2 ** 17)
      .max(2 ** 20),
    r: z.literal(8),
    p: z.int().min(1).max(4),
    salt: z.base64().length(44),
  }),
  /** AES-256-GCM */
  nonce: z.base64().length(16),
  /** PKCS #8 DER, then the tag of 16 bytes */
  sealed: Bytes,
})
export type PassphraseKey = z.infer<typeof PassphraseKey>

/** Where in which token the key is. */
export const Pkcs11Key = z.strictObject({
  provider: z.literal('pkcs11'),
  serial: z.string().max(16),
  /** CKA_ID */
  id: z.base64().max(64),
})
export type Pkcs11Key = z.infer<typeof Pkcs11Key>

/** TPM2B_PUBLIC and TPM2B_PRIVATE: of no use to any other TPM. */
export const TpmKey = z.strictObject({
  provider: z.literal('tpm2'),
  public: Bytes,
  private: Bytes,
})
export type TpmKey = z.infer<typeof TpmKey>

/** The root's file in the state directory. */
export const RootFile = z.strictObject({
  version: z.literal(1),
  trustDomain: TrustDomain,
  /** self-signed, DER in base64 */
  certificate: Certificate,
  /** as it was when the key was made */
  protection: Protection,
  key: z.discriminatedUnion('provider', [PassphraseKey, Pkcs11Key, TpmKey]),
})
export type RootFile = z.infer<typeof RootFile>

/** Passphrase, PIN or auth value; null where the key has none. */
const RootSecret = z.string().min(1).max(1024).nullable()

/** What everybody may know of the root. */
export const RootDescription = z.strictObject({
  trustDomain: TrustDomain,
  /** self-signed, DER in base64 */
  certificate: Certificate,
  protection: Protection,
})
export type RootDescription = z.infer<typeof RootDescription>

export const supervisorToRoot = {
  /** makes a key and its self-signed certificate; the caller keeps the file */
  'root.create': {
    params: z.strictObject({
      settings: HeldRootSettings,
      secret: RootSecret,
      trustDomain: TrustDomain,
    }),
    result: z.strictObject({ file: RootFile, description: RootDescription }),
  },
  /** once, before all below */
  'root.open': {
    params: z.strictObject({ settings: HeldRootSettings, secret: RootSecret, file: RootFile }),
    result: RootDescription,
  },
  'root.describe': { params: z.strictObject({}), result: RootDescription },
  /** each by a profile of the root's own: it signs no bytes that it is given */
  'root.certify': {
    params: z.strictObject({ requests: z.array(RootRequest).min(1).max(8) }),
    result: z.strictObject({ certificates: z.array(Certificate) }),
  },
} as const
