import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from 'node:crypto'
import { SekishoError } from '../../core/error.ts'
import type { Keys } from '../keys.ts'

/** First byte of a file; another number is another layout. */
const FORMAT = 1
/** Second byte. Content stays readable by the key that it was sealed with. */
const KEY_VERSION = 1
/** SP 800-38D §8.2.2: random; each key seals one content, so none ever comes twice. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 2 + NONCE_BYTES + TAG_BYTES

/** Whose content it is, and which: nobody can put one file in another's place. */
export type Owned = { session: string; digest: string }

/**
 * The digest by which content is known, in the log too: an HMAC of its SHA-256 by a key of the
 * session's own. Whoever has the log but not the key can neither test a guess nor tell whether two
 * sessions met the same content.
 *
 * @param sha256 `sha256:` and hex
 */
export function nameContent(keys: Keys, session: string, sha256: string): string {
  const key = keys.contentKey(['name', String(KEY_VERSION), session])
  return `sha256:${createHmac('sha256', key).update(sha256).digest('hex')}`
}

export function sha256Of(content: Uint8Array): string {
  return `sha256:${hash('sha256', content)}`
}

/** AES-256-GCM under a key of this content's own, with owner, digest and key version authenticated. */
export function sealContent(keys: Keys, owned: Owned, content: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(keys, KEY_VERSION, owned), nonce)
  cipher.setAAD(associated(KEY_VERSION, owned))
  const sealed = [cipher.update(content), cipher.final()]
  return Buffer.concat([Buffer.from([FORMAT, KEY_VERSION]), nonce, cipher.getAuthTag(), ...sealed])
}

/** @throws SekishoError CONTENT_LOST for anything but what was sealed for this owner and digest */
export function openContent(keys: Keys, owned: Owned, file: Buffer): Buffer {
  const [format, version = 0] = file
  if (file.length < HEADER_BYTES || format !== FORMAT || version !== KEY_VERSION) {
    throw lost(owned, 'is no sealed content')
  }
  const nonce = file.subarray(2, 2 + NONCE_BYTES)
  const key = sealingKey(keys, version, owned)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated(version, owned))
  decipher.setAuthTag(file.subarray(2 + NONCE_BYTES, HEADER_BYTES))
  try {
    return Buffer.concat([decipher.update(file.subarray(HEADER_BYTES)), decipher.final()])
  } catch (cause) {
    throw lost(owned, 'is damaged, or was put there by somebody else', cause)
  }
}

/** Bytes that a sealed file has beyond its content. */
export const SEAL_BYTES = HEADER_BYTES

export function lost({ session, digest }: Owned, what: string, cause?: unknown): SekishoError {
  return new SekishoError('CONTENT_LOST', `content ${digest} of ${session} ${what}`, {
    hint: 'restore that resource from a backup of the system it belongs to',
    cause,
  })
}

export function unkept(why: string, cause?: unknown): SekishoError {
  return new SekishoError('CONTENT_UNKEPT', `content is not kept: ${why}`, {
    hint: 'free disk space in the state directory; what is kept goes after 30 days',
    cause,
  })
}

function sealingKey(keys: Keys, version: number, { session, digest }: Owned): Buffer {
  return keys.contentKey(['seal', String(version), session, digest])
}

function associated(version: number, { session, digest }: Owned): Buffer {
  return Buffer.from(JSON.stringify(['sekisho content', FORMAT, version, session, digest]))
}
