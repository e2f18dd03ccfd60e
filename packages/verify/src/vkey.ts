import { fromBase64 } from './base64.ts'
import { cosignedSubtree, cosignedText, parseTimestamped } from './cosignature.ts'
import { ed25519Check, mlDsa44Check, sha256, type SignatureCheck } from './crypto.ts'

/**
 * The keys of signed notes (C2SP signed-note, tlog-cosignature): what a signature of each type is
 * over, and how its key is written down.
 */

/** `ed25519`: the log's own; the others state a time and are what witnesses and post-quantum keys make */
export type NoteKeyType = 'ed25519' | 'cosignature/v1' | 'subtree/v1'

/** When the signature says that it was made: POSIX seconds; null where it states no time. */
export type Stated = { timeSeconds: number | null }

export type NoteVerifier = {
  readonly type: NoteKeyType
  readonly name: string
  readonly vkey: string
  /** 4 bytes */
  readonly keyId: Buffer
  /** without a prefix: 32 bytes, or 1312 of ML-DSA-44 */
  readonly publicKey: Buffer
  /** undefined when the signature is none over the whole text */
  check(text: string, signature: Buffer): Stated | undefined
}

type TypeFacts = {
  readonly byte: number
  readonly keyBytes: number
  readonly makeCheck: (key: Buffer, name: string) => NoteVerifier['check']
}

const TYPES: Readonly<Record<NoteKeyType, TypeFacts>> = {
  ed25519: { byte: 0x01, keyBytes: 32, makeCheck: plainCheck },
  'cosignature/v1': { byte: 0x04, keyBytes: 32, makeCheck: cosignatureCheck },
  'subtree/v1': { byte: 0x06, keyBytes: 1312, makeCheck: subtreeCheck },
}
const TYPE_NAMES = ['ed25519', 'cosignature/v1', 'subtree/v1'] as const
const KEY_ID_BYTES = 4

/**
 * `name+hash+base64`, as Go's note package and the C2SP tools print it.
 *
 * @throws TypeError for a name or a key that cannot be written down so
 */
export function formatVkey(name: string, rawKey: Buffer, type: NoteKeyType = 'ed25519'): string {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces and no plus')
  const { byte, keyBytes } = TYPES[type]
  if (rawKey.length !== keyBytes) throw new TypeError(`a key of ${type} has ${keyBytes} bytes`)
  const encoded = Buffer.concat([Buffer.from([byte]), rawKey])
  return `${name}+${keyIdOf(name, encoded).toString('hex')}+${encoded.toString('base64')}`
}

/** @throws TypeError when the text is no vkey, its hash does not fit or its type is none of ours */
export function parseVkey(vkey: string): NoteVerifier {
  const [, name = '', hash = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(vkey) ?? []
  const encoded = fromBase64(base64)
  if (encoded === undefined || !isKeyName(name)) throw new TypeError('want name+hash+base64')
  const type = TYPE_NAMES.find((one) => TYPES[one].byte === encoded[0])
  if (type === undefined || encoded.length !== 1 + TYPES[type].keyBytes) {
    throw new TypeError('want a key of Ed25519 or ML-DSA-44')
  }
  const keyId = keyIdOf(name, encoded)
  if (keyId.toString('hex') !== hash) throw new TypeError('the hash is not that of this key')
  const publicKey = encoded.subarray(1)
  const check = TYPES[type].makeCheck(publicKey, name)
  return { type, name, vkey, keyId, publicKey, check }
}

function plainCheck(key: Buffer): NoteVerifier['check'] {
  const fits = ed25519Check(key)
  return (text, signature) =>
    fits(Buffer.from(text), signature) ? { timeSeconds: null } : undefined
}

function cosignatureCheck(key: Buffer): NoteVerifier['check'] {
  return timestampedCheck(ed25519Check(key), cosignedText)
}

function subtreeCheck(key: Buffer, name: string): NoteVerifier['check'] {
  const messageOf: MessageOf = (text, timeSeconds) => cosignedSubtree(text, { name, timeSeconds })
  return timestampedCheck(mlDsa44Check(key), messageOf)
}

type MessageOf = (text: string, timeSeconds: number) => Buffer | undefined

function timestampedCheck(fits: SignatureCheck, messageOf: MessageOf): NoteVerifier['check'] {
  return (text, bytes) => {
    const stamped = parseTimestamped(bytes)
    if (stamped === undefined) return undefined
    const message = messageOf(text, stamped.timeSeconds)
    if (message === undefined || !fits(message, stamped.signature)) return undefined
    return { timeSeconds: stamped.timeSeconds === 0 ? null : stamped.timeSeconds }
  }
}

export function isKeyName(name: string): boolean {
  return /^[^\s\u0085+]+$/u.test(name) && name.isWellFormed()
}

function keyIdOf(name: string, encoded: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), encoded])).subarray(0, KEY_ID_BYTES)
}
