import { toSekishoError } from '../../core/error.ts'
import type { makeTranscriptReader } from '../child-kinds.ts'

type Child = ReturnType<typeof makeTranscriptReader>
/** What of a process that reads transcripts is needed here. */
export type TranscriptReader = Pick<Child, 'start' | 'stop'> & {
  readonly peer: Pick<Child['peer'], 'call'>
}
type Asked = Parameters<Child['peer']['call']>[1]
export type Found = Awaited<ReturnType<Child['peer']['call']>>

const STOP_GRACE_MS = 500

/** A process that reads transcripts, and another one after a transcript that it did not get through. */
export class TranscriptReaders {
  readonly #make: () => TranscriptReader
  readonly #report: (line: string) => void
  #reader: TranscriptReader | undefined

  constructor(make: () => TranscriptReader, report: (line: string) => void) {
    this.#make = make
    this.#report = report
  }

  /** @returns null for what cannot be read, or not in time */
  async compare(asked: Asked, timeoutMs: number): Promise<Found | null> {
    try {
      return await (await this.#present()).peer.call('compare', asked, { timeoutMs })
    } catch (thrown) {
      const { message } = toSekishoError(thrown)
      this.#report(`a transcript of ${asked.client} is not compared: ${message}`)
      await this.stop()
      return null
    }
  }

  async stop(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    await reader?.stop(STOP_GRACE_MS)
  }

  async #present(): Promise<TranscriptReader> {
    if (this.#reader !== undefined) return this.#reader
    const reader = this.#make()
    this.#reader = reader // before it is up: whatever comes of that, it is stopped
    await reader.start()
    return reader
  }
}
