import { MAX_SKIPPED_EVENT_BYTES } from '../sse.ts'
import type { FrameWriter } from './frame.ts'
import type { Reply, TextKind } from './reply.ts'

const NAME = 'content_block_delta'
const BEGINS = Buffer.from(`event: ${NAME}\ndata: {"type":"${NAME}","index":`)

/**
 * A piece of text the way that the provider writes it, spaces behind it included. Of ASCII without
 * escapes: what stands between the quotation marks is the text, and every reader reads it alike.
 */
const EVENT = new RegExp(
  `${BEGINS.toString().replaceAll('{', '\\{')}(0|[1-9][0-9]{0,5}),` +
    `"delta":\\{"type":"(text|thinking)_delta","\\2":"([ !#-\\[\\]-~]*)"\\} *\\}\n\n`,
  'y',
)

export type TextRunParts = {
  reply: Reply
  writer: FrameWriter
  /** whether such a block is open */
  isOpen: (index: number, kind: TextKind) => boolean
}

/**
 * Reads pieces of text that come one behind the other, as most of a reply does, without an object for
 * each. They leave as one write; they say what they would as events of their own.
 *
 * @param at where an event begins
 * @returns behind the last that was read; what is any other waits for whoever reads all
 */
export function readTextRun(
  bytes: Buffer,
  at: number,
  { reply, writer, isOpen }: TextRunParts,
): number {
  if (reply.isWaiting || writer.isLf !== true || !beginsAt(bytes, at)) return at
  const window = bytes.toString('latin1', at, at + MAX_SKIPPED_EVENT_BYTES)
  let from = 0
  let end = 0
  const pass = (): void => {
    const raw = bytes.subarray(at + from, at + end)
    from = end
    if (raw.length === 0) return
    reply.pass(raw.length, () => [writer.same({ raw, name: NAME, data: '', isPlain: true })])
  }
  try {
    for (;;) {
      const piece = pieceAt(window, end)
      if (piece === undefined || !isOpen(piece.index, piece.kind)) break
      const told = reply.text(piece.kind, String(piece.index), piece.text)
      if (told !== piece.text) {
        pass()
        from = piece.end
        reply.pass(piece.end - end, () => [writer.event(NAME, deltaOf(piece, told))])
      }
      end = piece.end
    }
  } finally {
    pass() // also in front of a fault
  }
  return at + end
}

type Piece = { index: number; kind: TextKind; text: string; end: number }

function pieceAt(window: string, at: number): Piece | undefined {
  EVENT.lastIndex = at
  const [, index, kind, text = ''] = EVENT.exec(window) ?? []
  if (kind !== 'text' && kind !== 'thinking') return undefined
  return { index: Number(index), kind, text, end: EVENT.lastIndex }
}

function deltaOf({ index, kind }: Piece, told: string): object {
  return { type: NAME, index, delta: { type: `${kind}_delta`, [kind]: told } }
}

function beginsAt(bytes: Buffer, at: number): boolean {
  const end = at + BEGINS.length
  return end <= bytes.length && bytes.compare(BEGINS, 0, BEGINS.length, at, end) === 0
}
