import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import { makeReplyHold } from './make-reply-hold.ts'
import { readAsClient } from './testing/client.ts'
import { cut, play } from './testing/play.ts'
import { type Call, type Part, transcriptOf } from './testing/transcript.ts'
import { WIRES } from './testing/wires.ts'

const OPTIONS = { unsupported: 'deny', maxCallBytes: 1 << 20, maxHeldBytes: 1 << 22 } as const

/** What no other part of a reply has: found in an output, it is from this call. */
const marksOf = (at: number): { name: string; inside: string } => {
  return { name: `tool-${at}-zq`, inside: `args-${at}-zq` }
}

const letters = fc.string({
  unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '😀', ' ', '{', '[DONE]'),
})
const pieces = fc.array(letters, { minLength: 1, maxLength: 4 })

const part = fc.oneof(
  fc.record({ kind: fc.constantFrom('text' as const, 'thinking' as const), pieces }),
  fc.record({
    kind: fc.constant('calls' as const),
    calls: fc.array(fc.record({ value: letters, sizes: fc.array(fc.nat(9), { minLength: 1 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    isInterleaved: fc.boolean(),
  }),
)

/** Calls get their marks in the order in which they begin. */
const conversation = fc.array(part, { maxLength: 5 }).map((parts) => {
  let count = 0
  return parts.map((one): Part => {
    if (one.kind !== 'calls') return one
    const calls = one.calls.map(({ value, sizes }): Call => {
      const { name, inside } = marksOf(count)
      count += 1
      const text = JSON.stringify({ inside, value })
      const pieces = cut(
        Buffer.from(text),
        sizes.map((size) => size + 8),
      ).map(String)
      // a character cut in two is no text that a provider could have sent
      const isWhole = pieces.every((piece) => !piece.includes('\ufffd'))
      return {
        id: `call-${String(count).padStart(3, '0')}-zq`,
        name,
        pieces: isWhole ? pieces : [text],
      }
    })
    return { ...one, calls }
  })
})

const played = fc.record({
  parts: conversation,
  sizes: fc.oneof(
    fc.constant([1]),
    fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }),
  ),
  picks: fc.array(fc.integer({ min: -3, max: 5 }), { minLength: 1, maxLength: 8 }),
  releases: fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
})

const RUNS = { numRuns: 150 }

describe.for(WIRES)('a reply of $name', ({ api, framing, toBytes, show }) => {
  test('leaves byte for byte where every call is released, and no call before it is', () => {
    fc.assert(
      fc.property(played, ({ parts, sizes, picks }) => {
        const { events, calls } = transcriptOf(api, parts)
        const input = toBytes(events)
        const hold = makeReplyHold(api, { stream: true, framing, ...OPTIONS })
        const { output, settled, judged, refused } = play(hold, cut(input, sizes), {
          decide: () => ({ kind: 'release' }),
          picks,
          show,
        })
        expect(refused).toBe(null)
        expect(output).toBe(show(input))
        expect(judged.size).toBe(calls.length)
        for (const { index, before } of settled) expectAbsent(before, index)
      }),
      RUNS,
    )
  })

  test('has nothing of a replaced call in it, and its client runs exactly what was released', () => {
    fc.assert(
      fc.property(played, ({ parts, sizes, picks, releases }) => {
        const { events, calls } = transcriptOf(api, parts)
        const isReleased = (index: number): boolean => releases[index % releases.length] ?? true
        const hold = makeReplyHold(api, { stream: true, framing, ...OPTIONS })
        const { output, settled, judged } = play(hold, cut(toBytes(events), sizes), {
          decide: (index) => {
            return isReleased(index)
              ? { kind: 'release' }
              : { kind: 'replace', say: `no ${index}.` }
          },
          picks,
          show,
        })
        for (const { index, before } of settled) expectAbsent(before, index)
        const begun = [...judged.keys()]
        for (const index of begun.filter((one) => !isReleased(one))) expectAbsent(output, index)
        const outcome = readAsClient(api, output)
        const kept = calls.filter((_, index) => isReleased(index))
        // calls whose events go through each other end in another order than they begin
        const ran = outcome.ran.toSorted((left, right) => left.id.localeCompare(right.id))
        expect(ran).toEqual(kept.map(asRun))
        expect(outcome.stop).toBe(END[api][kept.length > 0 ? 'calls' : 'text'])
        expect(outcome.faults).toEqual([])
        const says = begun.filter((index) => !isReleased(index)).map((index) => `no ${index}.`)
        for (const say of says) expect(outcome.text).toContain(say)
      }),
      RUNS,
    )
  })

  test('that breaks in any way leaves nothing of a call that was not released', () => {
    fc.assert(
      fc.property(played, fc.nat(), fc.constantFrom(...BREAKS), (one, where, broken) => {
        const { events, calls } = transcriptOf(api, one.parts)
        const at = where % (events.length + 1)
        const bytes = toBytes([...events.slice(0, at), broken, ...events.slice(at)])
        const isReleased = (index: number): boolean => {
          return one.releases[index % one.releases.length] ?? true
        }
        const hold = makeReplyHold(api, { stream: true, framing, ...OPTIONS })
        const { output, settled, judged } = play(hold, cut(bytes, one.sizes), {
          decide: (index) =>
            isReleased(index) ? { kind: 'release' } : { kind: 'replace', say: 'no' },
          picks: one.picks,
          show,
        })
        for (const { index, before } of settled) expectAbsent(before, index)
        const asked = new Set(settled.map(({ index }) => index).filter(isReleased))
        calls.forEach((_, index) => {
          if (!asked.has(index)) expectAbsent(output, index)
        })
        // what has left is read without a fault, and runs nothing else
        const allowed = [...asked].map((index) => judged.get(index))
        for (const { name, args } of readAsClient(api, output).ran) {
          expect(allowed).toContain(`${name} ${args === '' ? '{}' : args}`)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('that is cut off at any byte leaves an end that its client takes, and nothing that waits', () => {
    fc.assert(
      fc.property(played, fc.nat(), ({ parts, sizes, picks }, where) => {
        const { events, calls } = transcriptOf(api, parts)
        const input = toBytes(events)
        const hold = makeReplyHold(api, { stream: true, framing, ...OPTIONS })
        let output = ''
        let turn = 0
        const released = new Set<number>()
        const waiting: number[] = []
        const take = (steps: ReturnType<typeof hold.push>): void => {
          for (const step of steps) {
            if (step.kind === 'write') output += show(step.bytes)
            if (step.kind === 'judge') waiting.push(step.call.index)
          }
        }
        for (const piece of cut(input.subarray(0, where % (input.length + 1)), sizes)) {
          take(hold.push(piece))
          const pick = picks[turn++ % picks.length] ?? -1
          const [index] = pick < 0 ? [] : waiting.splice(0, 1)
          if (index === undefined) continue
          released.add(index)
          take(hold.settle(index, { kind: 'release' }))
        }
        take(hold.cutOff('the budget is spent'))
        calls.forEach((_, index) => {
          if (!released.has(index)) expectAbsent(output, index)
        })
        const outcome = readAsClient(api, output)
        expect(outcome.faults).toEqual([])
        const allowed = calls.filter((_, index) => released.has(index)).map(asRun)
        for (const ran of outcome.ran) expect(allowed).toContainEqual(ran)
        expect(outcome.stop).toBe(END[api][outcome.ran.length > 0 ? 'calls' : 'text'])
        expect(hold.end()).toEqual([])
        expect(hold.push(input)).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

/** Late errors, items that nobody knows, what is no JSON, and what means two things. */
const BREAKS = [
  'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"late"}}\n\n',
  'data: {"type":"error","error":{"message":"late"}}\n\n',
  'data: {"type":"new_event_2027"}\n\n',
  'data: {"choices":[{"index":0,"delta":{"new_call_2027":{"name":"x"}}}]}\n\n',
  'data: {"candidates":[{"content":{"parts":[{"newCall2027":{}}]}}]}\n\n',
  'data: {"type":"ping","type":"content_block_start"}\n\n',
  'data: {"choices":\n\n',
  'data: {"type":"content_block_stop","index":0}\n\n',
  'data: {"type":"message_stop"}\n\n',
  'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
  'data: {"candidates":[{"finishReason":"STOP"}]}\n\n',
  'data: [DONE]\n\n',
  ': comment\n\n',
]

function asRun({ id, name, pieces }: Call): { id: string; name: string; args: string } {
  return { id, name, args: pieces.join('') }
}

function expectAbsent(output: string, index: number): void {
  const { name, inside } = marksOf(index)
  expect(output.includes(name) || output.includes(inside)).toBe(false)
}

const END: Readonly<Record<ModelApi, { calls: string; text: string }>> = {
  messages: { calls: 'tool_use', text: 'end_turn' },
  responses: { calls: 'completed', text: 'completed' },
  chat: { calls: 'tool_calls', text: 'stop' },
  gemini: { calls: 'STOP', text: 'STOP' },
}
