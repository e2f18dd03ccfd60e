import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import type { controlToSupervisor } from '../wire/control.ts'
import { LedgerEntry, type LedgerNote, MAX_LEDGER_ENTRIES } from '../wire/ledger.ts'
import type { Handlers } from '../wire/peer.ts'
import { isMissing } from './session-record.ts'

type LedgerCalls = Pick<typeof controlToSupervisor, 'ledger.read' | 'ledger.note'>

/** A ledger that has grown so far is not written any more: nothing that it counts may happen then. */
const MAX_LEDGER_BYTES = 64 * 1024 * 1024

const HEADER = '{"version":1}\n'
const Header = z.strictObject({ version: z.literal(1) })

type Part = LedgerNote['part']

/**
 * What the ledger has counted, for a control that starts anew: one line for each entry, flushed
 * before anybody is told that it is counted. It is written by this process because control has no
 * files, and what it says means something to control only.
 */
export class LedgerFile<Entry> {
  readonly #path: string
  readonly #entry: z.ZodType<Entry>
  readonly #maxBytes: number
  #file: FileHandle | undefined
  #bytes = 0
  /** being written, to take the place of the other */
  #next: { file: FileHandle; bytes: number } | undefined
  #read: readonly Entry[] = []
  readonly #line = new OneAtATime()

  /** @param entry of which each line is one */
  constructor(path: string, entry: z.ZodType<Entry>, maxBytes: number = MAX_LEDGER_BYTES) {
    this.#path = path
    this.#entry = entry
    this.#maxBytes = maxBytes
  }

  /** @throws SekishoError CONFIG_INVALID for a file that is not whole: what is used up is not known */
  read(page: number): Promise<{ entries: Entry[]; isLast: boolean }> {
    return this.#line.run(async () => {
      if (page === 0) {
        await this.#open()
        this.#read = entriesOf(await readFile(this.#path, 'utf8'), this.#path, this.#entry)
      }
      const from = page * MAX_LEDGER_ENTRIES
      const isLast = from + MAX_LEDGER_ENTRIES >= this.#read.length
      const entries = this.#read.slice(from, from + MAX_LEDGER_ENTRIES)
      if (isLast) this.#read = []
      return { entries, isLast }
    })
  }

  /**
   * Resolves once it is durable.
   *
   * @throws SekishoError LOG_UNWRITABLE
   */
  note({ entries, part }: { entries: readonly Entry[]; part: Part }): Promise<void> {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    return this.#line.run(async () => {
      try {
        if (part === 'append') await this.#append(text)
        else await this.#replace(text, part)
      } catch (cause) {
        if (cause instanceof SekishoError) throw cause
        throw new SekishoError('LOG_UNWRITABLE', 'the ledger cannot be written', {
          hint: `make room for ${this.#path}`,
          cause,
        })
      }
    })
  }

  async close(): Promise<void> {
    await this.#line.run(async () => {
      await this.#file?.close()
      await this.#next?.file.close()
      this.#file = undefined
      this.#next = undefined
    })
  }

  async #append(text: string): Promise<void> {
    const file = await this.#open()
    const bytes = Buffer.byteLength(text)
    if (this.#bytes + bytes > this.#maxBytes) {
      throw new SekishoError('LOG_UNWRITABLE', `the ledger has more than ${this.#maxBytes} bytes`)
    }
    try {
      await file.appendFile(text)
      await file.datasync()
      this.#bytes += bytes
    } catch (error) {
      // half a line must not stand before the next one; without that, the file is opened anew
      this.#file = undefined
      await file.truncate(this.#bytes)
      await file.close()
      throw error
    }
  }

  async #replace(text: string, part: Exclude<Part, 'append'>): Promise<void> {
    if (part === 'begin') await this.#begin()
    const next = this.#next
    if (next === undefined) throw new SekishoError('PROTOCOL_VIOLATION', 'no ledger was begun')
    next.bytes += Buffer.byteLength(text)
    await next.file.appendFile(text)
    if (part === 'end') await this.#takePlace(next)
  }

  async #begin(): Promise<void> {
    await this.#next?.file.close()
    this.#next = undefined
    await rm(`${this.#path}.new`, { force: true })
    const file = await open(`${this.#path}.new`, 'ax', 0o600)
    this.#next = { file, bytes: HEADER.length }
    await file.appendFile(HEADER)
  }

  async #takePlace({ file, bytes }: { file: FileHandle; bytes: number }): Promise<void> {
    await file.datasync()
    await rename(`${this.#path}.new`, this.#path)
    await flushDirectory(dirname(this.#path))
    await this.#file?.close()
    this.#next = undefined
    this.#file = file
    this.#bytes = bytes
  }

  /** A crash may have left half a line at the end, of which nobody was told that it is counted. */
  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file
    const text = await readFile(this.#path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    const file = await open(this.#path, 'a', 0o600)
    try {
      const whole = text === undefined ? 0 : text.lastIndexOf('\n') + 1
      await file.truncate(whole)
      if (whole === 0) await file.appendFile(HEADER)
      await file.datasync()
      await flushDirectory(dirname(this.#path))
      this.#bytes = whole === 0 ? HEADER.length : whole
      this.#file = file
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }
}

function entriesOf<Entry>(text: string, path: string, entry: z.ZodType<Entry>): Entry[] {
  try {
    const [header = '', ...lines] = text.trimEnd().split('\n')
    Header.parse(parseJson(header))
    return lines.map((line) => entry.parse(parseJson(line)))
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read: what is used up is unknown`, {
      hint: 'restore the file from a backup; without it, what has been counted so far is forgotten',
      cause,
    })
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Where what actions have come to is kept. */
export function ledgerHandlers(path: string): Handlers<LedgerCalls> {
  const file = new LedgerFile(path, LedgerEntry)
  return {
    'ledger.read': ({ page }) => file.read(page),
    'ledger.note': async (note) => {
      await file.note(note)
      return {}
    },
  }
}
