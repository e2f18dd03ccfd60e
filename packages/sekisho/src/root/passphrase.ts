import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import { PassphraseKey } from '../wire/root.ts'
import { PassphraseSettings } from '../wire/root-settings.ts'
import { defineProvider, type RootKey } from './provider.ts'

/**
 * A key in a file that only a passphrase opens: scrypt (RFC 7914) and AES-256-GCM. One guess costs
 * 128 MiB and about a third of a second (docs/guides/root-keys.md), for us and for a thief.
 */

const SCRYPT = { name: 'scrypt', N: 2 ** 17, r: 8, p: 1 } as const
const KEY_BYTES = 32
const SALT_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Of a few words; a guess costs enough that these are out of reach. */
const MIN_PASSPHRASE_LENGTH = 12

type Kdf = PassphraseKey['kdf']

export const passphraseProvider = defineProvider({
  name: 'passphrase',
  settings: PassphraseSettings,
  kept: PassphraseKey,
  async create(_settings, secret) {
    const passphrase = wanted(secret)
    if (passphrase.length < MIN_PASSPHRASE_LENGTH) {
      throw new SekishoError(
        'CONFIG_INVALID',
        `the root’s passphrase is shorter than ${MIN_PASSPHRASE_LENGTH} characters`,
        { hint: 'take six random words' },
      )
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const kdf = { ...SCRYPT, salt: randomBytes(SALT_BYTES).toString('base64') }
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, kdf), nonce)
    cipher.setAAD(Buffer.from(canonicalJson(kdf)))
    const plain = privateKey.export({ format: 'der', type: 'pkcs8' })
    const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    plain.fill(0)
    const kept = {
      provider: 'passphrase' as const,
      kdf,
      nonce: nonce.toString('base64'),
      sealed: sealed.toString('base64'),
    }
    return { key: keyOf(privateKey), kept }
  },
  async open(_settings, secret, { kdf, nonce, sealed }) {
    const key = await stretch(wanted(secret), kdf)
    return keyOf(unseal({ key, kdf, nonce, sealed }))
  },
})

function wanted(passphrase: string | null): string {
  if (passphrase !== null) return passphrase.normalize('NFC') // however the keyboard composes it
  throw new SekishoError('CONFIG_INVALID', 'the root’s passphrase is missing')
}

function stretch(passphrase: string, { N, r, p, salt }: Kdf): Promise<Buffer> {
  const options = { N, r, p, maxmem: 129 * N * r + 1024 * 1024 } // 128·N·r bytes (RFC 7914 §2)
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.from(salt, 'base64'), KEY_BYTES, options, (error, key) =>
      error === null
        ? resolve(key)
        : reject(
            new SekishoError('ROOT_KEY_UNUSABLE', 'scrypt does not get its memory', {
              hint: `let the process of the root have ${(128 * N * r) / 2 ** 20} MiB`,
              cause: error,
            }),
          ),
    )
  })
}

type Sealed = Pick<PassphraseKey, 'kdf' | 'nonce' | 'sealed'> & { key: Buffer }

function unseal({ key, kdf, nonce, sealed }: Sealed): KeyObject {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length <= TAG_BYTES) throw damaged()
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(canonicalJson(kdf)))
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  const plain = decipher.update(bytes.subarray(0, -TAG_BYTES))
  try {
    decipher.final()
  } catch {
    // the cause would say only that, and nothing may tell the two apart
    throw new SekishoError(
      'ROOT_KEY_UNUSABLE',
      'the passphrase does not open the root key: it is another one, or the file is damaged',
      { hint: 'give the passphrase of `sekisho root init`, or put the file back from its copy' },
    )
  }
  try {
    return createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' })
  } catch {
    throw damaged()
  } finally {
    plain.fill(0)
  }
}

function damaged(): SekishoError {
  return new SekishoError('ROOT_KEY_UNUSABLE', 'the root’s file holds no whole key', {
    hint: 'put it back from its copy',
  })
}

function keyOf(privateKey: KeyObject): RootKey {
  return {
    spki: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }),
    protection: { class: 'passphrase', emulated: false },
    sign: async (message) =>
      sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    close: async () => undefined,
  }
}
