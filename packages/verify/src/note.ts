import { fromBase64 } from './base64.ts'
import { isKeyName, type NoteVerifier } from './vkey.ts'

/** Signed notes as in C2SP signed-note: a text, a blank line, and signatures of one or more keys. */

const KEY_ID_BYTES = 4
/** The specification asks for at least 16; Go's reader stops at 100. */
const MAX_SIGNATURES = 100

export type OpenedNote = { kind: 'opened'; text: string } | { kind: 'refused'; reason: string }

/** One of the keys that were asked for, whose signature fits. */
export type NoteSignedBy = {
  verifier: NoteVerifier
  /** POSIX seconds; null where the type or the signer states none */
  timeSeconds: number | null
}

export type OpenedNoteOf =
  | { kind: 'opened'; text: string; by: readonly NoteSignedBy[] }
  | { kind: 'refused'; reason: string }

/** The text of a note that the verifier's key signed; signatures of other keys are ignored. */
export function openNote(note: string, verifier: NoteVerifier): OpenedNote {
  const opened = openNoteOf(note, [verifier])
  return opened.kind === 'opened' ? { kind: 'opened', text: opened.text } : opened
}

/**
 * The text of a note that at least one of the keys signed, and which of them did. A signature that
 * is by one of the keys and does not fit refuses the note; those of other keys are ignored.
 */
export function openNoteOf(note: string, verifiers: readonly NoteVerifier[]): OpenedNoteOf {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') return refuse(parsed)
  const by: NoteSignedBy[] = []
  for (const line of parsed.signatures) {
    const verifier = verifiers.find((one) => one.name === line.name && one.keyId.equals(line.keyId))
    if (verifier === undefined) continue
    const found = verifier.check(parsed.text, line.signature)
    if (found === undefined) return refuse('a signature that does not fit')
    by.push({ verifier, timeSeconds: found.timeSeconds })
  }
  const names = verifiers.map(({ name }) => name).join(' or ')
  return by.length === 0
    ? refuse(`no signature by ${names}`)
    : { kind: 'opened', text: parsed.text, by }
}

export type NoteSignature = { name: string; keyId: Buffer; signature: Buffer }

/** A note taken apart, nothing of it verified; a string says why it is none. */
export function parseNote(note: string): { text: string; signatures: NoteSignature[] } | string {
  // the last blank line separates: the text may have blank lines of its own
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  if (end < 0 || !note.endsWith('\n') || !isNoteText(text)) return 'not a signed note'
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) return 'too many signatures'
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignature(line)
    if (signature === undefined) return 'a malformed signature line'
    signatures.push(signature)
  }
  return { text, signatures }
}

/** One line of a note's end, with its newline. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`
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

function refuse(reason: string): { kind: 'refused'; reason: string } {
  return { kind: 'refused', reason }
}

/** No control character but the newline, as the specification demands. */
export function isNoteText(text: string): boolean {
  if (!text.endsWith('\n') || !text.isWellFormed()) return false
  return Array.from(text).every((character) => character >= ' ' || character === '\n')
}

/** The text part of a note, whoever signed it. */
export function noteText(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1)
}
