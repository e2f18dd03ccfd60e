import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '../../disk/make-directory.ts'
import { type NoteVerifier, openNoteOf, parseCheckpoint } from '@sekisho/verify'
import * as z from 'zod'
import { replaceDurably } from '../durable-file.ts'
import type { Trouble } from './standing.ts'
import type { Tree } from './submit.ts'

/** The files are ours; one that is longer is not. */
const MAX_NOTE_BYTES = 64 * 1024

const Recorded = z.enum(['fork', 'rollback', 'bad-proof', 'unreachable', 'refused']).nullable()

export type Keys = { log: readonly NoteVerifier[]; witness: readonly NoteVerifier[] }

/**
 * The newest cosigned checkpoint of each witness, a file each (`NAME.note`, a C2SP checkpoint that
 * any verifier reads), and what is on record of it. Whoever starts the platform compares them with
 * the log.
 */
export class CosignedNotes {
  readonly #dir: string

  /** @throws Error of the file system */
  constructor(dir: string) {
    this.#dir = dir
    makeDirectories(dir, 0o700)
  }

  /** What is held of a witness; null where nothing is, or nothing that both keys vouch for. */
  read(name: string, keys: Keys): Tree | null {
    const note = readBounded(this.#pathOf(name, 'note'))
    return note === undefined ? null : openCosigned(note, keys)
  }

  /** Durable when it returns. @throws Error of the file system */
  write(name: string, { note }: Tree): void {
    replaceDurably(this.#pathOf(name, 'note'), note, 0o640)
  }

  recorded(name: string): Trouble['reason'] | null {
    const text = readBounded(this.#pathOf(name, 'recorded'))
    return Recorded.safeParse(text?.trim()).data ?? null
  }

  setRecorded(name: string, reason: Trouble['reason'] | null): void {
    replaceDurably(this.#pathOf(name, 'recorded'), `${reason ?? ''}\n`, 0o640)
  }

  #pathOf(name: string, kind: 'note' | 'recorded'): string {
    return join(this.#dir, `${name}.${kind}`)
  }
}

/** A checkpoint that the log signed and the witness cosigned; null for any other text. */
export function openCosigned(note: string, { log, witness }: Keys): Tree | null {
  const bySigner = openNoteOf(note, log)
  if (bySigner.kind === 'refused' || openNoteOf(note, witness).kind === 'refused') return null
  const head = parseCheckpoint(bySigner.text)
  return head === undefined ? null : { size: head.size, root: head.root, note }
}

function readBounded(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  const bytes = readFileSync(path)
  return bytes.length > MAX_NOTE_BYTES ? undefined : bytes.toString('utf8')
}
