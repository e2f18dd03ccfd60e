import type { ServerResponse } from 'node:http'
import type { AgentReply } from './denial.ts'
import type { Fields } from './http-fields.ts'

/** Where the reply to one request goes, whatever protocol the agent speaks. */
export interface ReplySink {
  /** nothing can be written any more */
  readonly isGone: boolean
  readonly hasHead: boolean
  readonly isEnded: boolean
  /** everything has been handed to the connection */
  readonly isFinished: boolean
  /** 100: the body may come (RFC 9110 §10.1.1) */
  proceed(): void
  /** 103 with its `link` field (RFC 8297) */
  hint(link: string): void
  /** @param message the reason phrase, for protocols that have one */
  head(status: number, message: string, fields: Fields): void
  /** sends a head that no body has followed yet */
  flush(): void
  /** false asks to wait for `onDrain` */
  write(bytes: Buffer): boolean
  trailers(fields: Fields): void
  end(bytes?: Buffer | string): void
  /** what the gate says in place of the upstream, where the protocol has a way of its own */
  answer?(reply: AgentReply): void
  /** breaks off: the agent sees that the reply is not whole */
  destroy(): void
  /** once, when the reply is through or the agent has gone */
  onClose(listener: () => void): void
  onDrain(listener: () => void): void
}

export class Http1Sink implements ReplySink {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    response.sendDate = false
    this.#response = response
  }

  get isGone(): boolean {
    return this.#response.destroyed
  }

  get hasHead(): boolean {
    return this.#response.headersSent
  }

  get isEnded(): boolean {
    return this.#response.writableEnded
  }

  get isFinished(): boolean {
    return this.#response.writableFinished
  }

  proceed(): void {
    this.#response.writeContinue()
  }

  hint(link: string): void {
    this.#response.writeEarlyHints({ link })
  }

  head(status: number, message: string, fields: Fields): void {
    this.#response.writeHead(status, message, fields)
  }

  flush(): void {
    this.#response.flushHeaders()
  }

  write(bytes: Buffer): boolean {
    return this.#response.write(bytes)
  }

  trailers(fields: Fields): void {
    const pairs: [string, string][] = []
    for (let index = 0; index < fields.length; index += 2) {
      pairs.push([fields[index] ?? '', fields[index + 1] ?? ''])
    }
    this.#response.addTrailers(pairs)
  }

  end(bytes?: Buffer | string): void {
    this.#response.end(bytes)
  }

  destroy(): void {
    this.#response.destroy()
  }

  onClose(listener: () => void): void {
    this.#response.on('close', listener) // Node says it once
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener)
  }
}
