import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { SekishoError } from '../../core/error.ts'
import type { Keys } from '../keys.ts'

/**
 * One recording in a segment: a head in the clear, and a body under AES-256-GCM.
 *
 * | bytes | |
 * |---|---|
 * | 1 | format |
 * | 1 | version of the key |
 * | 4 | length of the body, big-endian |
 * | 32 | digest that it is known by |
 * | 12 | nonce |
 * | 16 | tag |
 *
 * Session, digest, format and key version are authenticated with the body: no record can stand in
 * another's place.
 */
const FORMAT = 1
const KEY_VERSION = 1
const DIGEST_BYTES = 32
/** SP 800-38D §8.2.2: random; a session seals far fewer than 2³² recordings by its key. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const DIGEST_AT = 6
const NONCE_AT = DIGEST_AT + DIGEST_BYTES
const TAG_AT = NONCE_AT + NONCE_BYTES
export const HEAD_BYTES = TAG_AT + TAG_BYTES

/** Of the body: side, base (zeros for none), whole length, common prefix and suffix; then what is new. */
const TOLD_BYTES = 1 + DIGEST_BYTES + 3 * 4
/** What a recording takes in a segment beyond what is new in it. */
export const SEAL_BYTES = HEAD_BYTES + TOLD_BYTES

const SECRET_BYTES = 32
const KEY_FILE_BYTES = 2 + NONCE_BYTES + TAG_BYTES + SECRET_BYTES

export type Side = 'request' | 'reply'

/** One side of a call, by what it has in common with another. */
export type Recording = {
  side: Side
  /** of the whole */
  bytes: number
  /** null: `middle` is all of it */
  base: { digest: string; prefixBytes: number; suffixBytes: number } | null
  /** what is new */
  middle: Buffer
}

/** By what a session's recordings are sealed and named. Random: without its file nobody has it again. */
export type SessionKey = { session: string; seal: Buffer; name: Buffer }

/** @returns the key, and the file that it is kept in, sealed by the master key */
export function makeSessionKey(keys: Keys, session: string): { key: SessionKey; file: Buffer } {
  const secret = randomBytes(SECRET_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', wrappingKey(keys, session), nonce)
  cipher.setAAD(ofKey(session))
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()])
  const head = Buffer.from([FORMAT, KEY_VERSION])
  return {
    key: derived(session, secret),
    file: Buffer.concat([head, nonce, cipher.getAuthTag(), sealed]),
  }
}

/** @throws SekishoError CONTENT_LOST for anything but the file of this session */
export function openSessionKey(keys: Keys, session: string, file: Buffer): SessionKey {
  if (file.length !== KEY_FILE_BYTES || file[0] !== FORMAT || file[1] !== KEY_VERSION) {
    throw lost(session, 'have no key that can be read')
  }
  const nonce = file.subarray(2, 2 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey(keys, session), nonce, {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(ofKey(session))
  decipher.setAuthTag(file.subarray(2 + NONCE_BYTES, 2 + NONCE_BYTES + TAG_BYTES))
  try {
    const sealed = file.subarray(2 + NONCE_BYTES + TAG_BYTES)
    return derived(session, Buffer.concat([decipher.update(sealed), decipher.final()]))
  } catch (cause) {
    throw lost(session, 'have a key that is damaged', cause)
  }
}

function derived(session: string, secret: Buffer): SessionKey {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', JSON.stringify(['sekisho recording', use]), 32))
  return { session, seal: derive('seal'), name: derive('name') }
}

function wrappingKey(keys: Keys, session: string): Buffer {
  return keys.contentKey(['recording', String(KEY_VERSION), session])
}

function ofKey(session: string): Buffer {
  return Buffer.from(JSON.stringify(['sekisho recording key', FORMAT, KEY_VERSION, session]))
}

/**
 * What a recording is known by, in the log too: an HMAC of its SHA-256 by the session's own key. With
 * the key's file gone nobody, the keyholder included, can test a guess of what was said.
 *
 * @param sha256 `sha256:` and hex, of the whole
 */
export function nameRecording(key: SessionKey, sha256: string): string {
  return `sha256:${createHmac('sha256', key.name).update(sha256).digest('hex')}`
}

/** As it stands in a segment. */
export function sealRecording(key: SessionKey, digest: string, recording: Recording): Buffer {
  const { side, bytes, base, middle } = recording
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.seal, nonce)
  cipher.setAAD(associated(key.session, digest))
  const told = Buffer.alloc(TOLD_BYTES)
  told[0] = side === 'request' ? 0 : 1
  if (base !== null) told.write(hexOf(base.digest), 1, 'hex')
  told.writeUInt32BE(bytes, 1 + DIGEST_BYTES)
  told.writeUInt32BE(base?.prefixBytes ?? 0, 5 + DIGEST_BYTES)
  told.writeUInt32BE(base?.suffixBytes ?? 0, 9 + DIGEST_BYTES)
  const body = [cipher.update(told), cipher.update(middle), cipher.final()]
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = FORMAT
  head[1] = KEY_VERSION
  head.writeUInt32BE(TOLD_BYTES + middle.length, 2)
  head.write(hexOf(digest), DIGEST_AT, 'hex')
  nonce.copy(head, NONCE_AT)
  cipher.getAuthTag().copy(head, TAG_AT)
  return Buffer.concat([head, ...body])
}

/** @returns undefined for anything but the head of a recording, as where a crash has torn one */
export function readHead(head: Buffer): { digest: string; bodyBytes: number } | undefined {
  if (head.length < HEAD_BYTES || head[0] !== FORMAT || head[1] !== KEY_VERSION) return undefined
  const bodyBytes = head.readUInt32BE(2)
  if (bodyBytes < TOLD_BYTES) return undefined
  return { digest: `sha256:${head.toString('hex', DIGEST_AT, NONCE_AT)}`, bodyBytes }
}

/**
 * @param sealed head and body
 * @throws SekishoError CONTENT_LOST for anything but what was sealed for this session and digest
 */
export function openRecording(key: SessionKey, digest: string, sealed: Buffer): Recording {
  const head = readHead(sealed)
  if (head?.digest !== digest) throw lost(key.session, 'are not what was written')
  const nonce = sealed.subarray(NONCE_AT, TAG_AT)
  const decipher = createDecipheriv('aes-256-gcm', key.seal, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated(key.session, digest))
  decipher.setAuthTag(sealed.subarray(TAG_AT, HEAD_BYTES))
  try {
    const body = Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()])
    return readBody(body)
  } catch (cause) {
    throw lost(key.session, 'are damaged, or were put there by somebody else', cause)
  }
}

function readBody(body: Buffer): Recording {
  const base = body.toString('hex', 1, 1 + DIGEST_BYTES)
  const [bytes, prefixBytes, suffixBytes] = [1, 5, 9].map((at) =>
    body.readUInt32BE(at + DIGEST_BYTES),
  )
  return {
    side: body[0] === 0 ? 'request' : 'reply',
    bytes: bytes ?? 0,
    base: /^0+$/.test(base)
      ? null
      : {
          digest: `sha256:${base}`,
          prefixBytes: prefixBytes ?? 0,
          suffixBytes: suffixBytes ?? 0,
        },
    middle: body.subarray(TOLD_BYTES),
  }
}

function associated(session: string, digest: string): Buffer {
  return Buffer.from(`["sekisho recording",${FORMAT},${KEY_VERSION},"${session}","${digest}"]`)
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length)
}

export function lost(session: string, what: string, cause?: unknown): SekishoError {
  return new SekishoError('CONTENT_LOST', `recordings of ${session} ${what}`, {
    hint: 'recordings go after the days that the bundle says, and with `sekisho llm erase`',
    cause,
  })
}
