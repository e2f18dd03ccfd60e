import { SekishoError } from '../core/error.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Platform } from './platform.ts'

const RETRY_MS = 1000
/** Above this the oldest is given up, with a word to the operator. */
const MAX_OWED = 1000

/**
 * End leaves of sessions. A session can end while the log cannot be written (a full disk) or the
 * keyholder is being restarted: its end is owed then, and written as soon as that is over.
 */
export class EndRecords {
  readonly #keyholder: Platform['keyholder']
  readonly #warn: (line: string) => void
  readonly #owed = new Map<string, LeafInput>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Pick<Platform, 'keyholder' | 'warn'>) {
    this.#keyholder = options.keyholder
    this.#warn = options.warn
  }

  /** Never rejects. */
  async write(session: string, leaf: LeafInput): Promise<void> {
    try {
      await this.#close(session, leaf)
    } catch (error) {
      this.#warn(`${session}: its end is not in the log yet: ${String(error)}`)
      this.#owed.set(session, leaf)
      this.#forgetOldest()
      this.#retryLater()
    }
  }

  /** A last try, before the keyholder is stopped. */
  async settle(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#retry()
    for (const session of this.#owed.keys()) this.#warn(`${session}: its end is not in the log`)
  }

  async #close(session: string, leaf: LeafInput): Promise<void> {
    try {
      await this.#keyholder().call('session.close', { session, leaf })
    } catch (error) {
      if (!(error instanceof SekishoError) || error.code !== 'SESSION_UNKNOWN') throw error
      // a keyholder that was restarted in between knows only the sessions that run
      await this.#keyholder().call('session.open', {
        session,
        gate: null,
        secrets: [],
        leaf: null,
        printKey: null,
      })
      await this.#keyholder().call('session.close', { session, leaf })
    }
  }

  async #retry(): Promise<void> {
    for (const [session, leaf] of this.#owed) {
      try {
        await this.#close(session, leaf)
        this.#owed.delete(session)
      } catch {
        return // said when it was owed; the next round tries again
      }
    }
  }

  #retryLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      void this.#retry().then(() => {
        if (this.#owed.size > 0) this.#retryLater()
      })
    }, RETRY_MS)
  }

  #forgetOldest(): void {
    const [oldest] = this.#owed.keys()
    if (this.#owed.size <= MAX_OWED || oldest === undefined) return
    this.#owed.delete(oldest)
    this.#warn(`${oldest}: its end will not be in the log`)
  }
}
