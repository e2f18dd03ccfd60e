import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FRAME, FrameBudget, FrameReader, type FrameSeen } from './http2-frames.ts'
import { frame, PREFACE } from './testing/http2-frames.ts'

function read(bytes: Buffer, cuts: readonly number[], hasPreface: boolean): FrameSeen[] {
  const seen: FrameSeen[] = []
  const reader = new FrameReader({ hasPreface }, (one) => seen.push(one))
  let from = 0
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )) {
    reader.push(bytes.subarray(from, cut))
    from = cut
  }
  return seen
}

test('frames are seen alike however they are cut', () => {
  const one = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    stream: fc.integer({ min: 0, max: 0x7fff_ffff }),
    payload: fc.uint8Array({ maxLength: 40 }),
  })
  fc.assert(
    fc.property(
      fc.array(one, { maxLength: 8 }),
      fc.array(fc.nat(1_000)),
      fc.boolean(),
      (all, cuts, hasPreface) => {
        const bytes = Buffer.concat([
          hasPreface ? PREFACE : Buffer.alloc(0),
          ...all.map(({ type, payload, ...rest }) =>
            frame(type, { ...rest, payload: Buffer.from(payload) }),
          ),
        ])
        const expected = all.map(({ type, flags, stream, payload }) => {
          const end =
            type === FRAME.rstStream ? 4 : type === FRAME.goaway ? 8 : Number.POSITIVE_INFINITY
          const code =
            payload.length >= end ? Buffer.from(payload).readUInt32BE(end - 4) : undefined
          return { type, flags, length: payload.length, stream, code }
        })
        expect(read(bytes, cuts, hasPreface)).toEqual(expected)
      },
    ),
  )
})

const seen = (type: number, over: Partial<FrameSeen> = {}): FrameSeen => ({
  type,
  flags: 0,
  length: 8,
  stream: 1,
  code: undefined,
  ...over,
})

function howMany(budget: FrameBudget, one: FrameSeen): number {
  for (let count = 0; count < 100_000; count += 1) if (!budget.incoming(one)) return count
  return Number.POSITIVE_INFINITY
}

test.for([
  ['RST_STREAM', seen(FRAME.rstStream), 250],
  ['SETTINGS', seen(FRAME.settings), 100],
  ['PING', seen(FRAME.ping), 1_000],
  ['PRIORITY', seen(FRAME.priority), 1_000],
  ['WINDOW_UPDATE', seen(FRAME.windowUpdate), 4_000],
  ['empty DATA', seen(FRAME.data, { length: 0 }), 250],
  ['empty CONTINUATION', seen(FRAME.continuation, { length: 0 }), 250],
  ['an unknown type', seen(77), 1_000],
] as const)('%s without work is borne so often', ([, one, count]) => {
  expect(howMany(new FrameBudget(() => 0), one)).toBe(count)
})

test('work is borne without end, and what it explains', () => {
  const budget = new FrameBudget(() => 0)
  const isBorne = (): boolean => {
    if (!budget.incoming(seen(FRAME.headers))) return false
    budget.outgoing(seen(FRAME.data))
    const more = [
      seen(FRAME.windowUpdate),
      seen(FRAME.ping),
      seen(FRAME.data, { length: 0, flags: 1 }),
    ]
    return more.every((frame) => budget.incoming(frame))
  }
  expect(Array.from({ length: 100_000 }, isBorne).indexOf(false)).toBe(-1)
})

test('a client that pings every second is borne for ever', () => {
  let now = 0
  const budget = new FrameBudget(() => now)
  const isBorne = (): boolean => {
    now += 1_000
    return budget.incoming(seen(FRAME.ping))
  }
  expect(Array.from({ length: 100_000 }, isBorne).indexOf(false)).toBe(-1)
})
