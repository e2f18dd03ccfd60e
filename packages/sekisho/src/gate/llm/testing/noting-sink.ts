import type { Fields } from '../../http-fields.ts'
import type { ReplySink } from '../../reply-sink.ts'

/** A client that notes what it is given, and may go away. */
export class NotingSink implements ReplySink {
  readonly heads: { status: number; fields: Fields }[] = []
  readonly log: string[] = []
  isGone = false
  isEnded = false
  #gone: (() => void) | undefined

  get hasHead(): boolean {
    return this.heads.length > 0
  }

  get isFinished(): boolean {
    return this.isEnded
  }

  get text(): string {
    return this.log.join('')
  }

  proceed(): void {}
  hint(): void {}
  flush(): void {}
  trailers(): void {}
  onDrain(): void {}

  head(status: number, _message: string, fields: Fields): void {
    this.heads.push({ status, fields })
  }

  write(bytes: Buffer): boolean {
    this.log.push(bytes.toString())
    return true
  }

  end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.log.push(bytes.toString())
    this.isEnded = true
  }

  destroy(): void {
    this.isGone = true
    this.#gone?.()
  }

  onClose(listener: () => void): void {
    this.#gone = listener
  }
}
