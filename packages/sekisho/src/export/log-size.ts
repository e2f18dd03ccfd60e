import { watch } from 'node:fs'

/** Where the watch says nothing (another file system, a lost event), the poll sees it. */
const POLL_MS = 1000
/**
 * Between two questions; under load the log grows thousands of times a second, and each answer costs a
 * read of the log and a durable cursor. So the pause becomes longer as long as there is ever more.
 */
const PAUSE_MS = 25
const MAX_PAUSE_MS = 200

type Options = {
  dir: string
  /** leaves that the keyholder has acknowledged */
  ask: () => Promise<number>
  /** the size, when it is another than before */
  grown: (size: number) => void
  /** tells of each change of a directory's files until it is closed */
  watchFiles?: (dir: string, changed: () => void) => { close(): void }
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
  #hasGrown = false
  /** or it was tried to */
  #isWatching = false
  #pauseMs = PAUSE_MS
  #isStopped = false
  #watcher: { close(): void } | undefined
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
    this.#watch()
    this.#ask()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    clearTimeout(this.#pause)
    this.#unwatch()
  }

  #watch(): void {
    this.#isWatching = true
    try {
      const { dir, watchFiles = watchDirectory } = this.#options
      this.#watcher = watchFiles(dir, () => this.#ask())
    } catch {
      // no watches left on this machine: the poll is enough, a second later
    }
  }

  #unwatch(): void {
    this.#isWatching = false
    this.#watcher?.close()
    this.#watcher = undefined
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
      .catch(() => {
        this.#hasGrown = false // the keyholder is being restarted: the poll asks again
      })
      .finally(() => {
        this.#pause = setTimeout(() => this.#rested(), this.#pauseMs)
      })
  }

  #rested(): void {
    this.#asking = false
    if (this.#isStopped) return
    const isMore = this.#isWatching ? this.#again : this.#hasGrown
    this.#again = false
    if (isMore) return this.#goOn()
    this.#pauseMs = PAUSE_MS
    if (this.#isWatching) return
    this.#watch()
    this.#ask() // what came before the watch has told nobody
  }

  /** While the pauses are long nobody wakes up for each write: the next question is asked anyway. */
  #goOn(): void {
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS)
    if (this.#pauseMs === MAX_PAUSE_MS) this.#unwatch()
    this.#ask()
  }

  #heard(size: number): void {
    this.#hasGrown = size !== this.#known
    if (!this.#hasGrown) {
      this.#pauseMs = PAUSE_MS
      return
    }
    this.#known = size
    this.#options.grown(size)
  }
}

function watchDirectory(dir: string, changed: () => void): { close(): void } {
  const watcher = watch(dir, changed)
  watcher.on('error', () => watcher.close())
  return watcher
}
