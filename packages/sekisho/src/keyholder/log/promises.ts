import { type Checkpoint, type NoteVerifier, openCheckpoint } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'

export type KnownLog = {
  verifier: NoteVerifier
  size: number
  /** @param size of an older tree, or of this one */
  rootOf(size: number): Promise<Buffer>
}

/**
 * Holds the log to checkpoints that were kept elsewhere, as by witnesses: whoever puts an older
 * copy of the state directory in its place, or rewrites it with the log's own key, is found here.
 *
 * @param notes signed by the log; cosignatures were checked by who kept them
 * @throws SekishoError LOG_BROKEN when the log does not continue one of them
 */
export async function keepPromises(notes: readonly string[], log: KnownLog): Promise<void> {
  for (const note of notes) {
    const opened = openCheckpoint(note, log.verifier)
    if (opened.kind === 'refused') {
      throw broken(
        `another log stands here than the one that a kept checkpoint is of: ${opened.reason}`,
      )
    }
    await keepPromise(opened.checkpoint, log)
  }
}

async function keepPromise({ size, root }: Checkpoint, log: KnownLog): Promise<void> {
  if (size > log.size) {
    throw broken(
      `rolled back: it has ${log.size} leaves, a checkpoint kept elsewhere is for ${size}`,
    )
  }
  if (size === 0) return
  const found = await log.rootOf(size)
  if (found.equals(root)) return
  throw broken(
    `rolled back and rewritten: its first ${size} leaves are not those of a checkpoint kept elsewhere`,
  )
}

function broken(message: string): SekishoError {
  return new SekishoError('LOG_BROKEN', message, {
    hint: 'keep the files and find out who changed them; go on with the newest copy of the state directory, or a new one',
  })
}
