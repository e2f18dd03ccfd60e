import type { ExportRecord } from '../record.ts'
import type { Sink } from '../sink.ts'

/** A receiver that does as a test says, one answer for each batch; then it takes all. */
export class FakeSink implements Sink {
  /** what it has acknowledged, by batch */
  readonly taken: (readonly ExportRecord[])[] = []
  readonly answers: (Error | 'hang' | number)[] = []
  refuses: (record: ExportRecord) => Error | undefined = () => undefined
  kept: unknown = null
  isClosed = false
  #waiting: (() => void)[] = []

  async send(records: readonly ExportRecord[]): Promise<number> {
    const answer = this.answers.shift() ?? 0
    if (answer === 'hang') return new Promise(() => undefined)
    if (answer instanceof Error) throw answer
    const refused = records
      .map((record) => this.refuses(record))
      .find((error) => error !== undefined)
    if (refused !== undefined) throw refused
    this.taken.push(records)
    for (const look of this.#waiting.splice(0)) look()
    return answer
  }

  state(): unknown {
    return this.kept
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  get ids(): string[] {
    return this.taken.flat().map(({ id }) => id)
  }

  /** resolves once `isSo` of what was taken */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
