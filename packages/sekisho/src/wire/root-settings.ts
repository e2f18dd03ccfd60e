import * as z from 'zod'

/** Where a passphrase, a PIN or an auth value is read from; never the value. */
export const RootSecretReference = z
  .string()
  .regex(
    /^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:\/[\x20-\x7e]{1,1024}|credential:[A-Za-z0-9._-]{1,128})$/,
    'want env:NAME, file:/absolute/path or credential:NAME',
  )

const AbsolutePath = z.string().regex(/^\/[\x20-\x7e]{1,1023}$/, 'want an absolute path')
/** What a module or a device needs beside the process's own uid, such as that of `tss`. */
const Group = z.int().min(1).max(0xffff_fffe)

export const PassphraseSettings = z.strictObject({
  provider: z.literal('passphrase'),
  passphrase: RootSecretReference,
})
export type PassphraseSettings = z.infer<typeof PassphraseSettings>

export const Pkcs11Settings = z.strictObject({
  provider: z.literal('pkcs11'),
  /** the library, in a place that users may read */
  module: AbsolutePath,
  /** the token's label; serial numbers tell apart what has the same one */
  token: z.string().min(1).max(32),
  serial: z.string().min(1).max(16).optional(),
  pin: RootSecretReference,
  /** variables that the module reads, such as the path of its configuration */
  environment: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), z.string().max(1024))
    // these would make the loader or Node run something else
    .refine((names) => !Object.keys(names).some((name) => /^(LD_|NODE_|GLIBC_)/.test(name)), {
      error: 'LD_*, GLIBC_* and NODE_* are not the module’s',
    })
    .default({}),
  group: Group.optional(),
})
export type Pkcs11Settings = z.infer<typeof Pkcs11Settings>

export const TpmSettings = z
  .strictObject({
    provider: z.literal('tpm2'),
    /** of the kernel’s resource manager */
    device: AbsolutePath.optional(),
    /** in place of a device: the unix socket of an emulator, which is what it then counts as */
    socket: AbsolutePath.optional(),
    /** of the key; without one, whoever may use the device may use the key */
    auth: RootSecretReference.optional(),
    group: Group.optional(),
  })
  .refine(({ device, socket }) => device === undefined || socket === undefined, {
    error: 'want a device or a socket, not both',
  })
export type TpmSettings = z.infer<typeof TpmSettings>

/** `identity.root` in platform.yaml: who holds the key that everything else is certified by. */
export const RootSettings = z.discriminatedUnion('provider', [
  /** the keyholder, from its master key: there is no process of the root */
  z.strictObject({ provider: z.literal('derived') }),
  PassphraseSettings,
  Pkcs11Settings,
  TpmSettings,
])
export type RootSettings = z.infer<typeof RootSettings>

/** With a process of its own. */
export const HeldRootSettings = z.discriminatedUnion('provider', [
  PassphraseSettings,
  Pkcs11Settings,
  TpmSettings,
])
export type HeldRootSettings = z.infer<typeof HeldRootSettings>

/** The reference to the secret that opens the key; undefined for a TPM’s key without one. */
export function secretReferenceOf(settings: HeldRootSettings): string | undefined {
  if (settings.provider === 'passphrase') return settings.passphrase
  return settings.provider === 'pkcs11' ? settings.pin : settings.auth
}

/** Where a TPM is: the kernel’s first one if nothing else is said. */
export function tpmPlace({ device = '/dev/tpmrm0', socket }: TpmSettings): {
  kind: 'device' | 'socket'
  path: string
} {
  return socket === undefined ? { kind: 'device', path: device } : { kind: 'socket', path: socket }
}

/** Lower case, as SPIFFE wants it (SPIFFE-ID §2.1). */
export const TrustDomain = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/, 'want a name such as agents.example.org')

/** `identity` in platform.yaml. */
export const IdentitySettings = z.strictObject({
  /** of the SPIFFE IDs; absent: a name of this instance’s own. It stands in the root’s certificate */
  trustDomain: TrustDomain.optional(),
  root: RootSettings.default({ provider: 'derived' }),
})
