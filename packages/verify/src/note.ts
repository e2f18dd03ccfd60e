import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/** Signed notes as in C2SP signed-note, with Ed25519 keys (signature type 0x01). */

const ED25519 = 0x01
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const KEY_ID_BYTES = 4
/** The specification asks for at least 16; Go's reader stops at 100. */
const MAX_SIGNATURES = 100
/** DER of a SubjectPublicKeyInfo around a raw Ed25519 key (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export type NoteVerifier = {
  readonly name: string
  readonly vkey: string
  readonly keyId: Buffer
  readonly publicKey: KeyObject
}

export type NoteSigner = {
  readonly name: string
  readonly vkey: string
  /** the whole note: text, blank line, signature line */
  sign(text: string): string
}

export type OpenedNote = { kind: 'opened'; text: string } | { kind: 'refused'; reason: string }

/** `name+hash+base64`, as Go's note package and the C2SP tools print it. */
export function formatVkey(name: string, rawKey: Buffer): string {
  if (!isKeyName(name)) throw new TypeError('a key name has no spaces and no plus')
  if (rawKey.length !== KEY_BYTES) throw new TypeError('an Ed25519 key has 32 bytes')
  const encoded = Buffer.concat([Buffer.from([ED25519]), rawKey])
  return `${name}+${keyIdOf(name, encoded).toString('hex')}+${encoded.toString('base64')}`
}

/** @throws TypeError when the text is no vkey, its hash does not fit or its type is not Ed25519 */
export function parseVkey(vkey: string): NoteVerifier {
  const [, name = '', hash = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/s.exec(vkey) ?? []
  const encoded = fromBase64(base64)
  if (encoded === undefined || !isKeyName(name)) throw new TypeError('want name+hash+base64')
  if (encoded.length !== 1 + KEY_BYTES || encoded[0] !== ED25519) {
    throw new TypeError('want an Ed25519 key')
  }
  const keyId = keyIdOf(name, encoded)
  if (keyId.toString('hex') !== hash) throw new TypeError('the hash is not that of this key')
  const der = Buffer.concat([SPKI_PREFIX, encoded.subarray(1)])
  return {
    name,
    vkey,
    keyId,
    publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }),
  }
}

/** @param privateKey Ed25519 */
export function noteSigner(name: string, privateKey: KeyObject): NoteSigner {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const vkey = formatVkey(name, der.subarray(SPKI_PREFIX.length))
  const { keyId } = parseVkey(vkey)
  return {
    name,
    vkey,
    sign: (text) => {
      if (!isNoteText(text)) throw new TypeError('a note text ends in a newline, without controls')
      const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)])
      return `${text}\n— ${name} ${signature.toString('base64')}\n`
    },
  }
}

/** The text of a note that the verifier's key signed; signatures of other keys are ignored. */
export function openNote(note: string, verifier: NoteVerifier): OpenedNote {
  // the last blank line separates: the text may have blank lines of its own
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  if (end < 0 || !note.endsWith('\n') || !isNoteText(text)) return refuse('not a signed note')
  const signatures = note
    .slice(end + 2, -1)
    .split('\n')
    .map(parseSignature)
  if (signatures.length > MAX_SIGNATURES) return refuse('too many signatures')
  if (signatures.includes(undefined)) return refuse('a malformed signature line')
  const ours = signatures.filter((one) => one !== undefined && isOf(verifier, one))
  if (ours.length === 0) return refuse(`no signature by ${verifier.name}`)
  // one signature of a known key that fails rejects the whole note
  const fits = ours.every((one) => one !== undefined && isSignedBy(verifier, text, one.signature))
  return fits ? { kind: 'opened', text } : refuse('a signature that does not fit')
}

type NoteSignature = { name: string; keyId: Buffer; signature: Buffer }

function isOf(verifier: NoteVerifier, { name, keyId }: NoteSignature): boolean {
  return name === verifier.name && keyId.equals(verifier.keyId)
}

function isSignedBy(verifier: NoteVerifier, text: string, signature: Buffer): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  return verify(null, Buffer.from(text), verifier.publicKey, signature)
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name = '', base64 = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  const bytes = fromBase64(base64)
  if (bytes === undefined || !isKeyName(name) || bytes.length <= KEY_ID_BYTES) return undefined
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
  }
}

function refuse(reason: string): OpenedNote {
  return { kind: 'refused', reason }
}

function isKeyName(name: string): boolean {
  return /^[^\s\u0085+]+$/u.test(name) && name.isWellFormed()
}

/** No control character but the newline, as the specification demands. */
function isNoteText(text: string): boolean {
  if (!text.endsWith('\n') || !text.isWellFormed()) return false
  return Array.from(text).every((character) => character >= ' ' || character === '\n')
}

function keyIdOf(name: string, encoded: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(encoded).digest().subarray(0, KEY_ID_BYTES)
}

/** Strict (RFC 4648 §4): what does not encode back to the same text is refused. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : undefined
}
