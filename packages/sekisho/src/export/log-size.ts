import { type FSWatcher, watch } from 'node:fs'

/** Where the watch says nothing (another file system, a lost event), the poll sees it. */
const POLL_MS = 1000
/** Between two questions: under load the log grows thousands of times a second. */
const PAUSE_MS = 25

type Options = {
  dir: string
  /** leaves that the keyholder has acknowledged */
  ask: () => Promise<number>
  /** the size, when it is another than before */
  grown: (size: number) => void
}

/**
 * How long the log is, by the one who writes it: what stands in its files may not be on the disk
 * yet, and a leaf that a power cut takes back must not have left the house.
 */
export class LogSize {
  readonly #options: Options
  #known: number | undefined
  #asking = false
  #again = false
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #pause: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** undefined before the first answer */
  get known(): number | undefined {
    return this.#known
  }

  start(): void {
    this.#timer = setInterval(() => this.#ask(), POLL_MS)
    try {
      this.#watcher = watch(this.#options.dir, () => this.#ask())
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // no watches left on this machine: the poll is enough, a second later
    }
    this.#ask()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#pause)
    this.#watcher?.close()
  }

  /** One question at a time; what happens meanwhile makes one more. */
  #ask(): void {
    if (this.#asking) {
      this.#again = true
      return
    }
    this.#asking = true
    this.#options
      .ask()
      .then((size) => this.#heard(size))
      .catch(() => undefined) // the keyholder is being restarted: the poll asks again
      .finally(() => {
        this.#pause = setTimeout(() => this.#rested(), PAUSE_MS)
      })
  }

  #rested(): void {
    this.#asking = false
    if (!this.#again) return
    this.#again = false
    this.#ask()
  }

  #heard(size: number): void {
    if (size === this.#known) return
    this.#known = size
    this.#options.grown(size)
  }
}
