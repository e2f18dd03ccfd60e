import type { FrameWriter } from './frame.ts'

/** What the client of a Messages stream has had, and what it still needs to have. */
export class MessagesView {
  readonly #writer: FrameWriter
  readonly #open = new Set<number>()
  #highest = -1
  #stage: 'before' | 'content' | 'stopping' | 'ended' = 'before'
  #released = 0
  #replaced = 0

  constructor(writer: FrameWriter) {
    this.#writer = writer
  }

  /** no call is left in the reply, though it had some */
  get hasOnlyReplaced(): boolean {
    return this.#replaced > 0 && this.#released === 0
  }

  began(): void {
    this.#stage = 'content'
  }

  opened(index: number): void {
    this.#open.add(index)
    this.#highest = Math.max(this.#highest, index)
  }

  released(index: number): void {
    this.#released += 1
    this.opened(index)
  }

  stopped(index: number): void {
    this.#open.delete(index)
  }

  stopping(): void {
    this.#stage = 'stopping'
  }

  ended(): void {
    this.#stage = 'ended'
  }

  /** A whole text block in the place of a call. */
  text(index: number, say: string): Buffer[] {
    this.#replaced += 1
    this.#highest = Math.max(this.#highest, index)
    return this.#block(index, say)
  }

  delta(index: number, delta: object): Buffer {
    return this.#event('content_block_delta', { index, delta })
  }

  close(say: string): Buffer[] {
    const events: Buffer[] = []
    if (this.#stage === 'before') events.push(this.#messageStart())
    if (this.#stage === 'before' || this.#stage === 'content') {
      for (const index of this.#open) events.push(this.#event('content_block_stop', { index }))
      events.push(...this.#block(this.#highest + 1, say), this.#messageDelta())
    }
    if (this.#stage !== 'ended') events.push(this.#event('message_stop', {}))
    this.#stage = 'ended'
    return events
  }

  #block(index: number, say: string): Buffer[] {
    return [
      this.#event('content_block_start', { index, content_block: { type: 'text', text: '' } }),
      this.delta(index, { type: 'text_delta', text: say }),
      this.#event('content_block_stop', { index }),
    ]
  }

  #messageStart(): Buffer {
    return this.#event('message_start', { message: madeMessage([], null) })
  }

  #messageDelta(): Buffer {
    const stop_reason = this.#released > 0 ? 'tool_use' : 'end_turn'
    const delta = { stop_reason, stop_sequence: null }
    return this.#event('message_delta', { delta, usage: { output_tokens: 0 } })
  }

  #event(type: string, members: object): Buffer {
    return this.#writer.event(type, { type, ...members })
  }
}

/** A message that no model has written. */
export function madeMessage(content: readonly object[], stopReason: string | null): object {
  return {
    id: 'msg_sekisho',
    type: 'message',
    role: 'assistant',
    model: 'sekisho',
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { input_tokens: 0, output_tokens: 0 },
  }
}
