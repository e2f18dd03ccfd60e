import { toSekishoError } from '../../core/error.ts'
import type { Generations } from './generations.ts'

/** A change of the files is in force in about this time: one look at their names and times each. */
const POLL_MS = 1_000
/** Every byte is read at each such look: what changed without a trace is told within a minute. */
const LOOKS_PER_READING = 20

/** Looks at the bundle's files for as long as the process lives; a look that takes long is one. */
export class FileWatch {
  readonly #generations: Pick<Generations, 'poll' | 'compareFiles'>
  readonly #report: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #isLooking = false

  constructor(options: {
    generations: Pick<Generations, 'poll' | 'compareFiles'>
    report: (line: string) => void
  }) {
    this.#generations = options.generations
    this.#report = options.report
  }

  start(pollMs: number = POLL_MS): void {
    this.#timer = setInterval(() => void this.#look(), pollMs)
    this.#timer.unref()
    // not before this process has said that it is ready: until then it may say nothing else
    setImmediate(() => void this.#look())
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#looks += 1
    try {
      if (this.#looks % LOOKS_PER_READING === 0) await this.#generations.compareFiles()
      else await this.#generations.poll()
    } catch (thrown) {
      this.#report(`the policy bundle is not looked at: ${toSekishoError(thrown).message}`)
    } finally {
      this.#isLooking = false
    }
  }
}
