import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { openNote } from './note.ts'
import type { NoteVerifier } from './vkey.ts'

export type OpenedCheckpoint =
  | { kind: 'opened'; checkpoint: Checkpoint }
  | { kind: 'refused'; reason: string }

/** A checkpoint that the verifier's key signed, of the log that carries the key's name. */
export function openCheckpoint(note: string, verifier: NoteVerifier): OpenedCheckpoint {
  const opened = openNote(note, verifier)
  if (opened.kind === 'refused') return opened
  const checkpoint = parseCheckpoint(opened.text)
  if (checkpoint === undefined) return { kind: 'refused', reason: 'not a checkpoint' }
  if (checkpoint.origin !== verifier.name) {
    return { kind: 'refused', reason: `a checkpoint of another log, ${checkpoint.origin}` }
  }
  return { kind: 'opened', checkpoint }
}
