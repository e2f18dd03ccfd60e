import type { AgentReply } from '../denial.ts'
import type { Fields } from '../http-fields.ts'
import type { ReplySink } from '../reply-sink.ts'

/** Hands everything on as it comes; those who look at a reply on its way change what they must. */
export class PassingSink implements ReplySink {
  readonly answer?: (reply: AgentReply) => void
  protected readonly inner: ReplySink

  constructor(inner: ReplySink) {
    this.inner = inner
    if (inner.answer !== undefined) this.answer = (reply) => this.answered(reply)
  }

  get isGone(): boolean {
    return this.inner.isGone
  }

  get hasHead(): boolean {
    return this.inner.hasHead
  }

  get isEnded(): boolean {
    return this.inner.isEnded
  }

  get isFinished(): boolean {
    return this.inner.isFinished
  }

  proceed(): void {
    this.inner.proceed()
  }

  hint(link: string): void {
    this.inner.hint(link)
  }

  head(status: number, message: string, fields: Fields): void {
    this.inner.head(status, message, fields)
  }

  flush(): void {
    this.inner.flush()
  }

  write(bytes: Buffer): boolean {
    return this.inner.write(bytes)
  }

  trailers(fields: Fields): void {
    this.inner.trailers(fields)
  }

  end(bytes?: Buffer | string): void {
    this.inner.end(bytes)
  }

  destroy(): void {
    this.inner.destroy()
  }

  onClose(listener: () => void): void {
    this.inner.onClose(listener)
  }

  onDrain(listener: () => void): void {
    this.inner.onDrain(listener)
  }

  /** The gate answers in place of the upstream. */
  protected answered(reply: AgentReply): void {
    this.inner.answer?.(reply)
  }
}

/** Tells its listener to go on once neither the agent nor the one who looks on is behind. */
export class SharedDrain {
  #waiting = 0
  #isFull = false
  #listener: (() => void) | undefined

  onDrain(listener: () => void): void {
    this.#listener = listener
  }

  /** @param isReady what the agent's side said @returns whether to go on at once */
  wrote(isReady: boolean, looking: Promise<void> | undefined): boolean {
    if (!isReady) this.#isFull = true
    if (looking !== undefined) {
      this.#waiting += 1
      void looking.then(() => {
        this.#waiting -= 1
        this.#tell()
      })
    }
    return !this.#isFull && this.#waiting === 0
  }

  drained(): void {
    this.#isFull = false
    this.#tell()
  }

  #tell(): void {
    if (!this.#isFull && this.#waiting === 0) this.#listener?.()
  }
}
