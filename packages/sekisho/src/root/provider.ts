import type { Shape } from '../wire/peer.ts'
import type { Protection } from '../wire/identity.ts'
import type { RootFile } from '../wire/root.ts'
import type { HeldRootSettings } from '../wire/root-settings.ts'
import { SekishoError } from '../core/error.ts'

/** A private key, P-256, and where it is. */
export type RootKey = {
  /** SubjectPublicKeyInfo, DER */
  readonly spki: Buffer
  readonly protection: Protection
  /** @returns of ECDSA with SHA-256, r‖s, 64 bytes @throws SekishoError ROOT_KEY_UNUSABLE */
  sign(message: Buffer): Promise<Buffer>
  /** lets go of the device */
  close(): Promise<void>
}

/** What of a key is kept in the root's file. */
export type KeptKey = RootFile['key']

/** Makes keys, and opens what it made. */
export type RootProvider = {
  /** @throws SekishoError ROOT_KEY_UNUSABLE, CONFIG_INVALID */
  create(
    settings: HeldRootSettings,
    secret: string | null,
  ): Promise<{ key: RootKey; kept: KeptKey }>
  /** @throws SekishoError ROOT_KEY_UNUSABLE, CONFIG_INVALID */
  open(settings: HeldRootSettings, secret: string | null, kept: KeptKey): Promise<RootKey>
}

type Parts<S, K extends KeptKey> = {
  name: HeldRootSettings['provider']
  settings: Shape<S>
  kept: Shape<K>
  create(settings: S, secret: string | null): Promise<{ key: RootKey; kept: K }>
  open(settings: S, secret: string | null, kept: K): Promise<RootKey>
}

/** A provider that meets settings and kept keys of its own kind alone. */
export function defineProvider<S, K extends KeptKey>(parts: Parts<S, K>): RootProvider {
  return {
    create: (settings, secret) => parts.create(read(parts.settings, settings, parts.name), secret),
    open: (settings, secret, kept) =>
      parts.open(
        read(parts.settings, settings, parts.name),
        secret,
        read(parts.kept, kept, parts.name),
      ),
  }
}

function read<T>(shape: Shape<T>, value: { provider: string }, name: string): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SekishoError('CONFIG_INVALID', `${value.provider} where ${name} is wanted`, {
    hint: 'identity.root in platform.yaml and the root’s file have to name the same provider',
  })
}
