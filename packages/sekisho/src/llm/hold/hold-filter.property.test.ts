import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MODEL_APIS } from '../../core/action.ts'
import type { TextFilter } from '../format.ts'
import { makeReplyHold } from './make-reply-hold.ts'
import { readAsClient } from './testing/client.ts'
import { cut, play } from './testing/play.ts'
import { type Part, transcriptOf } from './testing/transcript.ts'

const OPTIONS = { unsupported: 'deny', maxCallBytes: 1 << 20, maxHeldBytes: 1 << 22 } as const
const BAD = 'zqzq'

/** Covers a word, wherever a text is cut: it keeps what may be the beginning of one. */
class WordFilter implements TextFilter {
  readonly #kept = new Map<string, string>()
  readonly #ended = new Set<string>()

  push(stream: string, text: string): string {
    expect(this.#ended.has(stream)).toBe(false)
    const all = ((this.#kept.get(stream) ?? '') + text).replaceAll(BAD, '*')
    const keep = Math.min(all.length, BAD.length - 1)
    this.#kept.set(stream, all.slice(all.length - keep))
    return all.slice(0, all.length - keep)
  }

  end(stream: string): string {
    this.#ended.add(stream)
    const rest = this.#kept.get(stream) ?? ''
    this.#kept.delete(stream)
    return rest
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0
  }
}

const pieces = fc.array(fc.constantFrom('a', 'zq', 'z', 'q', 'zqzq', ' "é', 'bzqz'), {
  maxLength: 8,
})
const part: fc.Arbitrary<Part> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('text' as const, 'thinking' as const), pieces }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Part>({
      kind: 'calls',
      calls: [{ id: 'call-1', name: 'tool', pieces: ['{"a":', '"zqzq"}'] }],
      isInterleaved: false,
    }),
  },
)

test.for(MODEL_APIS)('a text of %s is what the filter made of it, wherever it is told', (api) => {
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 4 }),
      fc.array(fc.nat(40), { minLength: 1 }),
      (parts, sizes) => {
        const { events } = transcriptOf(api, onlyOneCall(parts))
        const filter = new WordFilter()
        const hold = makeReplyHold(api, { stream: true, ...OPTIONS, filter })
        const { output, refused } = play(hold, cut(Buffer.from(events.join('')), sizes), {
          decide: () => ({ kind: 'replace', say: '|' }),
          picks: [0],
        })
        expect(refused).toBe(null)
        expect(output).not.toContain(BAD)
        const { text, faults } = readAsClient(api, output)
        expect(faults).toEqual([])
        expect(text.replaceAll('\n\n', '')).toBe(expected(parts))
        expect(filter.isEmpty).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})

/** Texts of a block end with it: a word that goes on in the next block is none. */
function expected(parts: readonly Part[]): string {
  const kept = onlyOneCall(parts)
  return kept
    .map((one) => {
      if (one.kind === 'calls') return '|'
      return one.kind === 'text' ? one.pieces.join('').replaceAll(BAD, '*') : ''
    })
    .join('')
}

/** Two texts behind each other are one text to some formats: a call stands between them. */
function onlyOneCall(parts: readonly Part[]): Part[] {
  const [text, thinking, call] = ['text', 'thinking', 'calls'].map((kind) => {
    return parts.find((one) => one.kind === kind)
  })
  return [thinking, text, call].filter((one) => one !== undefined)
}
