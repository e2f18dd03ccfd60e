import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ReplyFacts, ReplyStep, TextFilter } from '../format.ts'
import { makeReplyHold } from './make-reply-hold.ts'

const event = (type: string, members: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`
const start = (index: number, kind: string): string => {
  const block = kind === 'tool_use' ? { id: `c${index}`, name: 'ls', input: {} } : { [kind]: '' }
  return event('content_block_start', { index, content_block: { type: kind, ...block } })
}
const piece = (index: number, kind: string, text: string): string =>
  event('content_block_delta', { index, delta: { type: `${kind}_delta`, [kind]: text } })

const BEGUN =
  event('message_start', { message: { model: 'm', content: [], usage: { input_tokens: 1 } } }) +
  start(0, 'text') +
  start(1, 'thinking')

/** Keeps what is in brackets until it is closed, and changes it. */
function brackets(): TextFilter {
  const held = new Map<string, string>()
  return {
    push: (stream, text) => {
      const all = (held.get(stream) ?? '') + text
      const open = all.lastIndexOf('[')
      const isOpen = open > all.lastIndexOf(']')
      held.set(stream, isOpen ? all.slice(open) : '')
      return (isOpen ? all.slice(0, open) : all).replaceAll(/\[[^\]]*\]/g, '()')
    },
    end: (stream) => held.get(stream) ?? '',
  }
}

type Told = { output: string; other: readonly ReplyStep[]; facts: ReplyFacts }

/** A call waits until the end of what comes. */
function told(pieces: readonly Buffer[], maxHeldBytes: number): Told {
  const hold = makeReplyHold('messages', {
    stream: true,
    unsupported: 'deny',
    maxCallBytes: 1024,
    maxHeldBytes,
    filter: brackets(),
  })
  const steps = [...pieces.flatMap((one) => hold.push(one)), ...hold.end()]
  for (const step of steps) {
    if (step.kind === 'judge') steps.push(...hold.settle(step.call.index, { kind: 'release' }))
  }
  const output = steps.flatMap((step) => (step.kind === 'write' ? [step.bytes] : []))
  // what is to be judged is not asked for any more where a fault came with the same bytes
  const other = steps.filter(({ kind }) => kind === 'refuse')
  return { output: Buffer.concat(output).toString('latin1'), other, facts: hold.facts }
}

const text = fc.string({
  unit: fc.constantFrom('a', ' word', '[', ']', '"', '\\', '\n', 'é', '\u2028', '\u007f'),
  maxLength: 6,
})
const index = fc.constantFrom(0, 0, 0, 1, 2, 7)
const kind = fc.constantFrom('text', 'text', 'thinking')
const pieceOf = fc.tuple(index, kind, text).map((all) => piece(...all))
const written = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant(0), kind, text).map((all) => piece(...all)) },
  { weight: 6, arbitrary: pieceOf },
  pieceOf.map((one) => one.replace(/\}\}\n/, '}   }\n')),
  pieceOf.map((one) => one.replace(/\}\}\n/, '},"index":0}\n')),
  pieceOf.map((one) => one.replaceAll('\n', '\r\n')),
  pieceOf.map((one) => one.replace(/\n\n$/, '\ndata: {}\n\n')),
  pieceOf.map((one) => one.replace(/"text_delta"/, '"thinking_delta"')),
  pieceOf.map((one) => one.replace(/event: /, 'event:')),
  pieceOf.map((one) => one.replace(/"index":/, '"index":0')),
  fc.constantFrom(
    event('ping', {}),
    event('content_block_stop', { index: 0 }),
    start(2, 'text'),
    start(3, 'tool_use') + event('content_block_stop', { index: 3 }),
    start(4, 'tool_use'),
    piece(0, 'text', 'long '.repeat(1700)),
    ': comment\n\n',
    '\n',
  ),
)

test('pieces of text that are read together leave as they would one by one', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 1 })
  const limit = fc.constantFrom(1 << 20, 1 << 20, 300)
  fc.assert(
    fc.property(fc.array(written, { maxLength: 12 }), flips, limit, (events, flip, limitBytes) => {
      const bytes = Buffer.from(BEGUN + events.join(''))
      for (const [at, by] of flip) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      expect(told([bytes], limitBytes)).toEqual(told(single, limitBytes))
    }),
    { numRuns: 400 },
  )
})

test('pieces of text that nothing changes leave in one write, as they came', () => {
  const pieces = Array.from({ length: 40 }, (_, at) => piece(at % 2, 'text', `word ${at} `))
  const hold = makeReplyHold('messages', {
    stream: true,
    unsupported: 'deny',
    maxCallBytes: 1024,
    maxHeldBytes: 1 << 20,
  })
  hold.push(Buffer.from(BEGUN.replace('"thinking","thinking"', '"text","text"')))
  const bytes = Buffer.from(pieces.join(''))
  expect(hold.push(bytes)).toEqual([{ kind: 'write', bytes }])
  expect(hold.facts.bytes.get('reply text')).toBe(310)
})
