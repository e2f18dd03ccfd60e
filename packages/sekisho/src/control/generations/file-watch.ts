import { toSekishoError } from '../../core/error.ts'
import type { Generations } from './generations.ts'

/** A change of the files is in force in about this time: one look at their names and times each. */
const POLL_MS = 1_000
/** Every byte is read this often: what changed without a trace is told within a minute. */
const COMPARE_MS = 20_000

/** Looks at the bundle's files for as long as the process lives; a look that takes long is one. */
export class FileWatch {
  readonly #generations: Pick<Generations, 'poll' | 'compareFiles'>
  readonly #report: (line: string) => void
  #timers: readonly NodeJS.Timeout[] = []
  #isLooking = false

  constructor(options: {
    generations: Pick<Generations, 'poll' | 'compareFiles'>
    report: (line: string) => void
  }) {
    this.#generations = options.generations
    this.#report = options.report
  }

  start(pollMs: number = POLL_MS, compareMs: number = COMPARE_MS): void {
    const generations = this.#generations
    this.#timers = [
      setInterval(() => void this.#look(() => generations.poll()), pollMs),
      setInterval(() => void this.#look(() => generations.compareFiles()), compareMs),
    ]
    for (const timer of this.#timers) timer.unref()
    // not before this process has said that it is ready: until then it may say nothing else
    setImmediate(() => void this.#look(() => generations.poll()))
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  async #look(look: () => Promise<void>): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await look()
    } catch (thrown) {
      this.#report(`the policy bundle is not looked at: ${toSekishoError(thrown).message}`)
    } finally {
      this.#isLooking = false
    }
  }
}
