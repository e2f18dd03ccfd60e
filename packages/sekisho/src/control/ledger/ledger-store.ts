import { SekishoError } from '../../core/error.ts'
import type { controlToSupervisor } from '../../wire/control.ts'
import { type LedgerEntry, MAX_LEDGER_ENTRIES } from '../../wire/ledger.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'

/** A file with so many entries more than when it was last written anew is written anew. */
const COMPACT_AFTER = 20_000
/** Entries that wait to be written; with more, nothing is counted, so nothing happens. */
const MAX_WAITING = 65_536

type Waiting = {
  entries: readonly LedgerEntry[]
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * Keeps what the ledger counts. All that comes while something is being written goes with the next
 * write, so that many actions wait for one flush.
 */
export class LedgerStore {
  readonly #supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  readonly #snapshot: () => readonly LedgerEntry[]
  #waiting: Waiting[] = []
  #waitingEntries = 0
  #isWriting = false
  #sinceCompacted = 0

  /** @param snapshot all that counts, with what has been handed to {@link append} by then */
  constructor(
    supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>,
    snapshot: () => readonly LedgerEntry[],
  ) {
    this.#supervisor = supervisor
    this.#snapshot = snapshot
  }

  /** @throws SekishoError CONFIG_INVALID when it cannot be told what is used up */
  async read(): Promise<readonly LedgerEntry[]> {
    const all: LedgerEntry[] = []
    for (let page = 0; ; page += 1) {
      const { entries, isLast } = await this.#supervisor.call('ledger.read', { page })
      all.push(...entries)
      if (isLast) break
    }
    this.#sinceCompacted = all.length
    return all
  }

  /**
   * Resolves once it is durable.
   *
   * @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE, TIMEOUT
   */
  append(entries: readonly LedgerEntry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      if (this.#waitingEntries + entries.length > MAX_WAITING) {
        return reject(new SekishoError('PEER_UNAVAILABLE', 'the ledger is written too slowly'))
      }
      this.#waiting.push({ entries, resolve, reject })
      this.#waitingEntries += entries.length
      void this.#write()
    })
  }

  async #write(): Promise<void> {
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

  async #writeBeside(entries: readonly LedgerEntry[]): Promise<void> {
    for (const page of pagesOf(entries)) {
      await this.#supervisor.call('ledger.note', { entries: page, part: 'append' })
    }
    this.#sinceCompacted += entries.length
  }

  /** What waits is in the snapshot already. */
  async #writeAnew(): Promise<void> {
    const [first = [], ...others] = pagesOf(this.#snapshot())
    await this.#supervisor.call('ledger.note', { entries: first, part: 'begin' })
    for (const page of others) {
      await this.#supervisor.call('ledger.note', { entries: page, part: 'more' })
    }
    await this.#supervisor.call('ledger.note', { entries: [], part: 'end' })
    this.#sinceCompacted = 0
  }
}

function pagesOf(entries: readonly LedgerEntry[]): LedgerEntry[][] {
  const pages: LedgerEntry[][] = []
  for (let from = 0; from < entries.length; from += MAX_LEDGER_ENTRIES) {
    pages.push(entries.slice(from, from + MAX_LEDGER_ENTRIES))
  }
  return pages
}
