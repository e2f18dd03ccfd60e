import { closeSync, constants, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseJson } from '../core/parse-json.ts'
import { makeDirectories } from '../disk/make-directory.ts'
import * as z from 'zod'
import { SekishoError } from '../core/error.ts'

const Cursor = z.strictObject({
  v: z.literal(1),
  /** of the log: a cursor of another one means nothing here */
  origin: z.string(),
  position: z.strictObject({
    index: z.int().min(1),
    segment: z.int().min(0),
    lastBegin: z.int().min(0),
    offset: z.int().min(1),
    lastHash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** what the sink wants to know again */
  state: z.unknown(),
})
export type Cursor = Omit<z.infer<typeof Cursor>, 'v'>

/** Durable when write(2) returns; the permission model refuses fsync. */
const WRITE_DURABLY =
  constants.O_CREAT |
  constants.O_TRUNC |
  constants.O_WRONLY |
  constants.O_DSYNC |
  constants.O_NOFOLLOW

/**
 * How far a sink's receiver has acknowledged the log. It is replaced as a whole; should the rename
 * be lost with the power, the one before counts, and what came after it is sent again.
 */
export class CursorFile {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    makeDirectories(dirname(path), 0o700)
  }

  /**
   * @returns null where nothing was sent yet
   * @throws SekishoError LOG_BROKEN: where to go on is not known, and guessing would lose or repeat
   */
  read(): Cursor | null {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw this.#unreadable(error)
    }
    const parsed = Cursor.safeParse(jsonIn(text))
    if (!parsed.success) throw this.#unreadable(parsed.error)
    const { origin, position, state } = parsed.data
    return { origin, position, state }
  }

  /** @throws errors of the file system; the cursor before is whole then */
  write(cursor: Cursor): void {
    const next = `${this.#path}.next`
    const descriptor = openSync(next, WRITE_DURABLY, 0o600)
    try {
      const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...cursor })}\n`)
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
    } finally {
      closeSync(descriptor)
    }
    renameSync(next, this.#path)
  }

  #unreadable(cause: unknown): SekishoError {
    return new SekishoError('LOG_BROKEN', `the cursor ${this.#path} cannot be read`, {
      hint: 'remove it to have the whole log sent again: receivers know what they have by its id',
      cause,
    })
  }
}

function jsonIn(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined // the schema refuses it
  }
}
