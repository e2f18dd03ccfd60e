import { createPublicKey, hash } from 'node:crypto'
import { SekishoError } from '../core/error.ts'
import { TpmKey } from '../wire/root.ts'
import { TpmSettings, tpmPlace } from '../wire/root-settings.ts'
import { defineProvider, type RootKey } from './provider.ts'
import { openDevice, openSocket, type TpmChannel } from './tpm-channel.ts'
import {
  ATTRIBUTES,
  createParent,
  createSigningKey,
  flush,
  type LoadedKey,
  load,
  manufacturer,
  readPublic,
  signDigest,
  startUp,
  type TpmPublic,
} from './tpm-commands.ts'

/**
 * A key that a TPM 2.0 made and that works in no other: what is kept of it is encrypted by the
 * TPM's own storage key. Its password, if it has one, travels to the TPM as it is
 * (docs/guides/root-keys.md says against whom that is no help).
 */

/** Makers of chips and firmware in the TCG's vendor registry; whoever else it is, it may be a program. */
const MAKERS = new Set(
  ['AMD', 'ATML', 'BRCM', 'CSCO', 'FLYS', 'IFX', 'INTC', 'LEN', 'NSM', 'NTC', 'NTZ', 'QCOM'].concat(
    ['ROCC', 'SECE', 'SMSC', 'SNS', 'STM', 'TXN', 'WEC'],
  ),
)

const MUST = ATTRIBUTES.fixedTpm | ATTRIBUTES.fixedParent | ATTRIBUTES.sensitiveDataOrigin

export const tpmProvider = defineProvider({
  name: 'tpm2',
  settings: TpmSettings,
  kept: TpmKey,
  create: (settings, secret) =>
    withTpm(settings, async (tpm) => {
      const auth = authOf(secret)
      const made = await below(tpm, (parent) => createSigningKey(tpm, parent, auth))
      const key = await open(tpm, { blobs: made, auth })
      const kept = {
        provider: 'tpm2' as const,
        public: made.public.toString('base64'),
        private: made.private.toString('base64'),
      }
      return { key, kept }
    }),
  open: (settings, secret, kept) =>
    withTpm(settings, async (tpm) => {
      const blobs = {
        public: Buffer.from(kept.public, 'base64'),
        private: Buffer.from(kept.private, 'base64'),
      }
      return open(tpm, { blobs, auth: authOf(secret) })
    }),
})

async function withTpm<T>(settings: TpmSettings, use: (tpm: TpmChannel) => Promise<T>): Promise<T> {
  const { kind, path } = tpmPlace(settings)
  const tpm = await (kind === 'device' ? openDevice(path) : openSocket(path))
  try {
    if (!tpm.isDevice) await startUp(tpm)
    return await use(tpm)
  } catch (error) {
    await tpm.close()
    throw error
  }
}

type Opening = {
  blobs: { public: Buffer; private: Buffer }
  auth: Buffer
}

async function open(tpm: TpmChannel, { blobs, auth }: Opening): Promise<RootKey> {
  const key = await below(tpm, (parent) => load(tpm, parent, blobs))
  try {
    const { spki, emulated } = await examine(tpm, key)
    return {
      spki,
      protection: { class: 'tpm2', emulated },
      sign: (message) => signDigest(tpm, key, { auth, digest: hash('sha256', message, 'buffer') }),
      close: async () => {
        try {
          await flush(tpm, key)
        } finally {
          await tpm.close()
        }
      },
    }
  } catch (error) {
    await flush(tpm, key)
    throw error
  }
}

/** The parent is there for one command: it takes one of three places. */
async function below<T>(tpm: TpmChannel, use: (parent: LoadedKey) => Promise<T>): Promise<T> {
  const parent = await createParent(tpm)
  try {
    return await use(parent)
  } finally {
    await flush(tpm, parent)
  }
}

/** @throws SekishoError ROOT_KEY_UNUSABLE for a key that is not the TPM's own */
async function examine(
  tpm: TpmChannel,
  key: LoadedKey,
): Promise<{ spki: Buffer; emulated: boolean }> {
  const known = await readPublic(tpm, key)
  if ((known.attributes & MUST) !== MUST) {
    throw new SekishoError(
      'ROOT_KEY_UNUSABLE',
      'the key was not made in the TPM, or may leave it',
      {
        hint: 'put the root’s file back from its copy',
      },
    )
  }
  const emulated = !tpm.isDevice || !MAKERS.has(trimmed(await manufacturer(tpm)))
  return { spki: spkiOf(known), emulated }
}

/** Four characters, filled up with blanks or zeros. */
function trimmed(name: string): string {
  return name.replace(/[\0 ]+$/, '')
}

/** Of one length whatever was typed, and never what was typed. */
function authOf(secret: string | null): Buffer {
  if (secret === null) return Buffer.alloc(0)
  return hash('sha256', `sekisho/root/tpm2/v1\n${secret.normalize('NFC')}`, 'buffer')
}

function spkiOf({ x, y }: TpmPublic): Buffer {
  const jwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') }
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' })
}
