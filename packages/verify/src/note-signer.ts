import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { parseCheckpoint } from './checkpoint.ts'
import { cosignedSubtree, cosignedText, formatTimestamped } from './cosignature.ts'
import { formatSignature, isNoteText, parseNote } from './note.ts'
import { formatVkey, type NoteKeyType, parseVkey } from './vkey.ts'

/** Writing signed notes; needs private keys, so it is for Node alone. */

export type NoteSigner = {
  readonly name: string
  readonly vkey: string
  /** the whole note: text, blank line, signature line */
  sign(text: string): string
}

/** A key whose signatures state a time: a witness's Ed25519, or ML-DSA-44 of witness or log. */
export type NoteCosigner = {
  readonly name: string
  readonly type: Exclude<NoteKeyType, 'ed25519'>
  readonly vkey: string
  /**
   * The signature line, with its newline, over a checkpoint's text.
   *
   * @param timeSeconds POSIX; 0 only of ML-DSA-44, where it states no time
   * @throws TypeError when the text is no checkpoint, or one with extension lines for ML-DSA-44
   */
  cosign(text: string, timeSeconds: number): string
}

/** @param privateKey Ed25519 */
export function noteSigner(name: string, privateKey: KeyObject): NoteSigner {
  const vkey = formatVkey(name, rawPublicKey(privateKey, 'ed25519'))
  const { keyId } = parseVkey(vkey)
  return {
    name,
    vkey,
    sign: (text) => {
      if (!isNoteText(text)) throw new TypeError('a note text ends in a newline, without controls')
      const signature = sign(null, Buffer.from(text), privateKey)
      return `${text}\n${formatSignature({ name, keyId, signature })}`
    },
  }
}

/**
 * Ed25519 keys make `cosignature/v1` (0x04), ML-DSA-44 keys `subtree/v1` (0x06) cosignatures.
 * One Ed25519 key must not cosign under two names: its message does not hold the name.
 *
 * @throws TypeError for another kind of key
 */
export function noteCosigner(name: string, privateKey: KeyObject): NoteCosigner {
  const isEd25519 = privateKey.asymmetricKeyType === 'ed25519'
  const type = isEd25519 ? 'cosignature/v1' : 'subtree/v1'
  const rawKey = rawPublicKey(privateKey, isEd25519 ? 'ed25519' : 'ml-dsa-44')
  const vkey = formatVkey(name, rawKey, type)
  const { keyId } = parseVkey(vkey)
  return {
    name,
    type,
    vkey,
    cosign: (text, timeSeconds) => {
      const message = isEd25519
        ? cosignedCheckpoint(text, timeSeconds)
        : cosignedSubtree(text, { name, timeSeconds })
      if (message === undefined) throw new TypeError('not a checkpoint that this key can cosign')
      const signature = formatTimestamped({
        timeSeconds,
        signature: sign(null, message, privateKey),
      })
      return formatSignature({ name, keyId, signature })
    },
  }
}

/** undefined for what no witness may vouch for */
function cosignedCheckpoint(text: string, timeSeconds: number): Buffer | undefined {
  return parseCheckpoint(text) === undefined ? undefined : cosignedText(text, timeSeconds)
}

/**
 * The note with one more signature line.
 *
 * @throws TypeError when it is no note with the text of a checkpoint
 */
export function addCosignature(note: string, cosigner: NoteCosigner, timeSeconds: number): string {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') throw new TypeError(parsed)
  return note + cosigner.cosign(parsed.text, timeSeconds)
}

/** What follows the algorithm in the key's SubjectPublicKeyInfo: its last bytes. */
function rawPublicKey(privateKey: KeyObject, type: 'ed25519' | 'ml-dsa-44'): Buffer {
  if (privateKey.asymmetricKeyType !== type) throw new TypeError(`want a key of ${type}`)
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return der.subarray(type === 'ed25519' ? -32 : -1312)
}
