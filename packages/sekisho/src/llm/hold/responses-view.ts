import type { FrameWriter } from './frame.ts'
import type { JsonObject } from './json-object.ts'
import { sayingItem } from './responses-output.ts'

/** A text of a message that its client has the beginning of. */
type OpenText = { itemId: string; contentIndex: number; text: string }

/** What the client of a Responses stream has had, and what it still needs to have. */
export class ResponsesView {
  readonly #writer: FrameWriter
  readonly #maxBytes: number
  #response: JsonObject | undefined
  #isEnded = false
  #lastSequence = -1
  /** events have been put in, so that the provider's numbers may be taken */
  #isShifted = false
  #highest = -1
  #done = new Map<number, JsonObject>()
  #doneBytes = 0
  readonly #open = new Map<number, { item: JsonObject; texts: OpenText[] }>()

  /** @param maxBytes of items that are kept for an early end */
  constructor(writer: FrameWriter, maxBytes: number) {
    this.#writer = writer
    this.#maxBytes = maxBytes
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  began(response: JsonObject): void {
    this.#response ??= response
  }

  ended(): void {
    this.#isEnded = true
  }

  added(outputIndex: number, item: JsonObject): void {
    this.#highest = Math.max(this.#highest, outputIndex)
    if (item['type'] === 'message') this.#open.set(outputIndex, { item, texts: [] })
  }

  /** @param bytes of the item; items beyond what is kept are not told again at an early end */
  finished(outputIndex: number, item: JsonObject, bytes: number): void {
    this.#highest = Math.max(this.#highest, outputIndex)
    this.#open.delete(outputIndex)
    this.#doneBytes += bytes
    if (this.#doneBytes <= this.#maxBytes) this.#done.set(outputIndex, item)
  }

  told(outputIndex: number, contentIndex: number, delta: string): void {
    const open = this.#open.get(outputIndex)
    if (open === undefined) return
    const known = open.texts.find((text) => text.contentIndex === contentIndex)
    const itemId = String(open.item['id'])
    if (known === undefined) open.texts.push({ itemId, contentIndex, text: delta })
    else if (known.text.length < this.#maxBytes) known.text += delta
  }

  /** Its number, where it has one, still above those in front of it. */
  numbered(event: JsonObject): JsonObject {
    const number = event['sequence_number']
    if (typeof number !== 'number') return event
    const isTaken = this.#isShifted && number <= this.#lastSequence
    this.#lastSequence = isTaken ? this.#lastSequence + 1 : number
    return isTaken ? { ...event, sequence_number: this.#lastSequence } : event
  }

  /** A whole message. */
  saying(outputIndex: number, name: string, say: string): Buffer[] {
    const item = sayingItem(name, say)
    const at = { item_id: item['id'], output_index: outputIndex, content_index: 0 }
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    const begun = { ...item, status: 'in_progress', content: [] }
    this.finished(outputIndex, item, Buffer.byteLength(say))
    return [
      this.#make('response.output_item.added', { output_index: outputIndex, item: begun }),
      this.#make('response.content_part.added', { ...at, part }),
      this.#make('response.output_text.delta', { ...at, delta: say, logprobs: [] }),
      ...this.#ending({ itemId: String(item['id']), contentIndex: 0, text: say }, outputIndex),
      this.#make('response.output_item.done', { output_index: outputIndex, item }),
    ]
  }

  delta(type: string, members: object): Buffer {
    return this.#make(type, members)
  }

  close(say: string): Buffer[] {
    if (this.#isEnded) return []
    this.#isEnded = true
    const events: Buffer[] = []
    const response = this.#response ?? madeResponse([])
    if (this.#response === undefined) {
      const begun = { ...response, status: 'in_progress' }
      events.push(this.#make('response.created', { response: begun }))
    }
    for (const [index, open] of this.#open) events.push(...this.#stopped(index, open))
    events.push(...this.saying(this.#highest + 1, 'end', say))
    const output = [...this.#done].sort(([left], [right]) => left - right).map(([, item]) => item)
    const completed = { ...response, status: 'completed', output, usage: null }
    events.push(this.#make('response.completed', { response: completed }))
    return events
  }

  /** A message that breaks off is one that ends here. */
  #stopped(outputIndex: number, open: { item: JsonObject; texts: OpenText[] }): Buffer[] {
    const content = open.texts.map(({ text }) => {
      return { type: 'output_text', text, annotations: [], logprobs: [] }
    })
    const item = { ...open.item, status: 'incomplete', content }
    this.finished(outputIndex, item, 0)
    return [
      ...open.texts.flatMap((text) => this.#ending(text, outputIndex)),
      this.#make('response.output_item.done', { output_index: outputIndex, item }),
    ]
  }

  #ending({ itemId, contentIndex, text }: OpenText, outputIndex: number): Buffer[] {
    const at = { item_id: itemId, output_index: outputIndex, content_index: contentIndex }
    const part = { type: 'output_text', text, annotations: [], logprobs: [] }
    return [
      this.#make('response.output_text.done', { ...at, text, logprobs: [] }),
      this.#make('response.content_part.done', { ...at, part }),
    ]
  }

  #make(type: string, members: object): Buffer {
    this.#isShifted = true
    this.#lastSequence += 1
    const number = { sequence_number: this.#lastSequence }
    return this.#writer.event(type, { type, ...members, ...number })
  }
}

/** A response that no model has given. */
export function madeResponse(output: readonly object[]): JsonObject {
  return {
    id: 'resp_sekisho',
    object: 'response',
    created_at: 0,
    status: 'completed',
    model: 'sekisho',
    output,
    error: null,
    incomplete_details: null,
    parallel_tool_calls: true,
    tool_choice: 'auto',
    tools: [],
    usage: null,
  }
}
