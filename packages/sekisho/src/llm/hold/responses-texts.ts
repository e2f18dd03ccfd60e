import { indexAt, type JsonObject, textAt } from './json-object.ts'
import type { Reply, TextKind } from './reply.ts'
import { oversize } from './reply-fault.ts'

/** Where a piece of text belongs. */
type Stream = { kind: TextKind; name: string; delta: string; at: JsonObject }

type Kept = Stream & { came: string; told: string }

/** An event of its own for what a filter had kept. */
export type Rest = { type: string; members: JsonObject }

/**
 * Texts of a Responses stream. Each is told in pieces, then whole in three more places: what a
 * filter makes of it must read the same everywhere.
 */
export class ResponsesTexts {
  readonly #reply: Reply
  readonly #kept = new Map<string, Kept>()

  constructor(reply: Reply) {
    this.#reply = reply
  }

  /** @returns what of it may be told now */
  delta(event: JsonObject, type: string, piece: string): string {
    const stream = streamOf(event, type)
    const told = this.#reply.text(stream.kind, stream.name, piece)
    if (!this.#reply.hasFilter) return told
    const before = this.#kept.get(stream.name) ?? { ...stream, came: '', told: '' }
    if (before.came.length > this.#reply.maxHeldBytes) throw oversize('a text that is too long')
    const now = { ...before, came: before.came + piece, told: before.told + told }
    this.#kept.set(stream.name, now)
    return told
  }

  /** The end of a text: what the filter has kept is told in front of it. */
  end(event: JsonObject, type: string): Rest[] {
    const { name } = streamOf(event, type)
    const kept = this.#kept.get(name)
    return kept === undefined ? [] : this.#flush(kept)
  }

  /** The end of all texts of an item, or of the whole reply. */
  endAll(outputIndex?: number): Rest[] {
    return [...this.#kept.values()]
      .filter(({ at }) => outputIndex === undefined || at['output_index'] === outputIndex)
      .flatMap((kept) => this.#flush(kept))
  }

  #flush({ kind, name, delta, at, came, told }: Kept): Rest[] {
    this.#kept.delete(name)
    const rest = this.#reply.endText(kind, name)
    this.#reply.remember(came, told + rest)
    return rest === '' ? [] : [{ type: delta, members: { ...at, delta: rest } }]
  }
}

function streamOf(event: JsonObject, type: string): Stream {
  const base = type.slice(0, type.lastIndexOf('.'))
  const part = base === 'response.reasoning_summary_text' ? 'summary_index' : 'content_index'
  const kind = base.startsWith('response.reasoning') ? 'thinking' : 'text'
  const index = indexAt(event, part) ?? 0
  const at = {
    item_id: textAt(event, 'item_id'),
    output_index: event['output_index'],
    [part]: index,
  }
  const where = String(event['output_index'] ?? event['item_id'])
  return { kind, name: `${where}.${base}.${index}`, delta: `${base}.delta`, at }
}
