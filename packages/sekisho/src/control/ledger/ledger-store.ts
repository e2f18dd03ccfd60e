import { SekishoError } from '../../core/error.ts'
import { MAX_LEDGER_ENTRIES } from '../../wire/ledger.ts'

/** A file with so many entries more than when it was last written anew is written anew. */
const COMPACT_AFTER = 20_000
/** Entries that wait to be written; with more, nothing is counted, so nothing happens. */
const MAX_WAITING = 65_536

/** The file of a ledger, which another process writes. */
export type LedgerPages<Entry> = {
  /** @throws SekishoError CONFIG_INVALID */
  read(page: number): Promise<{ entries: readonly Entry[]; isLast: boolean }>
  /** @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE, TIMEOUT */
  note(note: { entries: Entry[]; part: 'append' | 'begin' | 'more' | 'end' }): Promise<unknown>
}

type Waiting<Entry> = {
  entries: readonly Entry[]
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Keeps what the ledger counts. All that comes while something is being written goes with the next
 * write, so that many actions wait for one flush.
 */
export class LedgerStore<Entry> {
  readonly #pages: LedgerPages<Entry>
  readonly #snapshot: () => readonly Entry[]
  #waiting: Waiting<Entry>[] = []
  #waitingEntries = 0
  #isWriting = false
  #timer: NodeJS.Timeout | undefined
  #sinceCompacted = 0

  /** @param snapshot all that counts, with what has been handed to {@link append} by then */
  constructor(pages: LedgerPages<Entry>, snapshot: () => readonly Entry[]) {
    this.#pages = pages
    this.#snapshot = snapshot
  }

  /** @throws SekishoError CONFIG_INVALID when it cannot be told what is used up */
  async read(): Promise<readonly Entry[]> {
    const all: Entry[] = []
    for (let page = 0; ; page += 1) {
      const { entries, isLast } = await this.#pages.read(page)
      all.push(...entries)
      if (isLast) break
    }
    this.#sinceCompacted = all.length
    return all
  }

  /**
   * Resolves once it is durable.
   *
   * @param mayWaitMs how long it may wait for something else to be written with
   * @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE, TIMEOUT
   */
  append(entries: readonly Entry[], mayWaitMs = 0): Promise<void> {
    if (entries.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      if (this.#waitingEntries + entries.length > MAX_WAITING) {
        return reject(new SekishoError('PEER_UNAVAILABLE', 'the ledger is written too slowly'))
      }
      this.#waiting.push({ entries, resolve, reject })
      this.#waitingEntries += entries.length
      if (mayWaitMs === 0) void this.#write()
      else this.#timer ??= setTimeout(() => void this.#write(), mayWaitMs)
    })
  }

  async #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isWriting) return
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      this.#waitingEntries = 0
      try {
        if (this.#sinceCompacted >= COMPACT_AFTER) await this.#writeAnew()
        else await this.#writeBeside(batch.flatMap(({ entries }) => entries))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }

  async #writeBeside(entries: readonly Entry[]): Promise<void> {
    for (const page of pagesOf(entries)) {
      await this.#pages.note({ entries: page, part: 'append' })
    }
    this.#sinceCompacted += entries.length
  }

  /** What waits is in the snapshot already. */
  async #writeAnew(): Promise<void> {
    const [first = [], ...others] = pagesOf(this.#snapshot())
    await this.#pages.note({ entries: first, part: 'begin' })
    for (const page of others) {
      await this.#pages.note({ entries: page, part: 'more' })
    }
    await this.#pages.note({ entries: [], part: 'end' })
    this.#sinceCompacted = 0
  }
}

function pagesOf<Entry>(entries: readonly Entry[]): Entry[][] {
  const pages: Entry[][] = []
  for (let from = 0; from < entries.length; from += MAX_LEDGER_ENTRIES) {
    pages.push(entries.slice(from, from + MAX_LEDGER_ENTRIES))
  }
  return pages
}
