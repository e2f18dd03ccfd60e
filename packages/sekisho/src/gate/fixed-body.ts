import type { BodyRead, OutgoingBody } from './request-body.ts'

/** A body that the gate has written itself, in place of one that was looked at. */
export class FixedBody implements OutgoingBody {
  readonly isWhole = true
  readonly isConversation = false
  readonly misuse = undefined
  readonly problem = undefined
  #held: Buffer
  #sent = 0

  constructor(bytes: Buffer) {
    this.#held = bytes
  }

  get bytes(): number {
    return this.#sent
  }

  get heldBytes(): number {
    return this.#held.length
  }

  get wholeBytes(): number {
    return this.#held.length
  }

  read(): Promise<BodyRead> {
    return Promise.resolve('whole')
  }

  content(): Buffer {
    return this.#held
  }

  drop(): void {
    this.#held = Buffer.alloc(0)
  }

  toSend(): Buffer {
    const held = this.#held
    this.#sent = held.length
    this.drop()
    return held
  }
}
