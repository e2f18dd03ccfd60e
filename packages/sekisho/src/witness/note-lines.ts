import { type NoteVerifier, parseNote } from '@sekisho/verify'

/** The note with the signatures of these keys alone: what is kept holds no line of a stranger. */
export function keepSignatures(note: string, keys: readonly NoteVerifier[]): string {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') return note
  const lines = note.slice(parsed.text.length + 1).split('\n')
  const kept = parsed.signatures.flatMap(({ name, keyId }, at) =>
    keys.some((key) => key.name === name && key.keyId.equals(keyId)) ? [`${lines[at]}\n`] : [],
  )
  return `${parsed.text}\n${kept.join('')}`
}
