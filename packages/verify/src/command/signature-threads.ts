import { availableParallelism } from 'node:os'
import { parentPort, Worker } from 'node:worker_threads'
import { checkHere } from '../audit/check-here.ts'
import type { SignatureChecker, SignatureTask } from '../audit/signature-queue.ts'
import { packTasks, unpackTasks } from './packed-tasks.ts'

/** Batches that are checked in the calling thread: a small log is done before a thread has started. */
const HERE = 2

type Waiting = { resolve: (fits: boolean[]) => void; reject: (error: Error) => void }

/** Checks signatures in as many threads as there are processors; begins them when there is much. */
export class SignatureThreads implements SignatureChecker {
  readonly #program: URL
  readonly #count: number
  #threads: SignatureThread[] = []
  #batches = 0

  /** @param program a file that calls {@link serveSignatures} when it is run as a thread */
  constructor(program: URL, count: number = availableParallelism()) {
    this.#program = program
    this.#count = count
  }

  async check(tasks: readonly SignatureTask[]): Promise<readonly boolean[]> {
    this.#batches += 1
    if (this.#batches <= HERE) return checkHere.check(tasks)
    if (this.#threads.length === 0) {
      this.#threads = Array.from({ length: this.#count }, () => new SignatureThread(this.#program))
    }
    const idlest = this.#threads.reduce((best, one) => (one.waiting < best.waiting ? one : best))
    return idlest.check(tasks)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}

class SignatureThread {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []

  constructor(program: URL) {
    this.#worker = new Worker(program)
    this.#worker.on('message', (fits: Uint8Array) => {
      this.#waiting.shift()?.resolve(Array.from(fits, (one) => one === 1))
    })
    this.#worker.on('error', (error: Error) => this.#fail(error))
    this.#worker.on('exit', () => this.#fail(new Error('a thread ended before its work')))
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Answers come in the order of the questions. */
  check(tasks: readonly SignatureTask[]): Promise<boolean[]> {
    const packed = packTasks(tasks)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#worker.postMessage(packed, [packed.buffer])
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

/** What a thread does until it is ended. */
export function serveSignatures(): void {
  parentPort?.on('message', (packed: Uint8Array) => {
    void checkHere.check(unpackTasks(packed)).then((fits) => {
      parentPort?.postMessage(Uint8Array.from(fits, (one) => (one ? 1 : 0)))
    })
  })
}
