import { HASH_BYTES } from './merkle.ts'
import { fromBase64, type NoteVerifier, openNote } from './note.ts'

/** A tree head as in C2SP tlog-checkpoint. */
export type Checkpoint = { origin: string; size: number; root: Buffer }

export type OpenedCheckpoint =
  | { kind: 'opened'; checkpoint: Checkpoint }
  | { kind: 'refused'; reason: string }

/** The note text; extension lines are not written, as the specification recommends. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** undefined when the text is no checkpoint; extension lines are allowed and ignored */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined
  const lines = text.slice(0, -1).split('\n')
  const [origin = '', sizeText = '', rootText = ''] = lines
  if (lines.includes('') || !/^(0|[1-9]\d{0,15})$/.test(sizeText)) return undefined
  const size = Number(sizeText)
  const root = fromBase64(rootText)
  if (!Number.isSafeInteger(size) || root?.length !== HASH_BYTES) return undefined
  return { origin, size, root }
}

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
