import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeSse, type SseEvent, SseFault, SseReader } from './sse.ts'

const MAX = 1000

function read(pieces: readonly (string | Buffer)[], maxBytes = MAX): SseEvent[] {
  const reader = new SseReader(maxBytes)
  const events: SseEvent[] = []
  for (const piece of pieces) reader.push(Buffer.from(piece), (event) => events.push(event))
  const last = reader.end()
  return last === undefined ? events : [...events, last]
}

const shown = ({ name, data, isPlain }: SseEvent): unknown[] => [name, data, isPlain]

test.for<{ name: string; text: string; want: unknown[][] }>([
  {
    name: 'an event ends at an empty line',
    text: 'data: a\n\ndata: b\n\n',
    want: [
      ['', 'a', true],
      ['', 'b', true],
    ],
  },
  {
    name: 'CR ends a line',
    text: 'data: a\r\rdata: b\r\r',
    want: [
      ['', 'a', true],
      ['', 'b', true],
    ],
  },
  { name: 'CR LF ends one line', text: 'event: x\r\ndata: a\r\n\r\n', want: [['x', 'a', true]] },
  { name: 'line ends may differ', text: 'event: x\rdata: a\n\r\n', want: [['x', 'a', true]] },
  {
    name: 'one space behind the colon is left out, which some readers look for',
    text: 'data:a\n\nevent:x\ndata: a\n\ndata:  b\n\n',
    want: [
      ['', 'a', false],
      ['x', 'a', false],
      ['', ' b', true],
    ],
  },
  { name: 'a field without a colon is empty', text: 'data\n\n', want: [['', '', false]] },
  {
    name: 'lines of data are joined, which not every reader does',
    text: 'data: a\ndata: b\n\n',
    want: [['', 'a\nb', false]],
  },
  {
    name: 'the last name counts, which not every reader does',
    text: 'event: a\nevent: b\ndata: c\n\n',
    want: [['b', 'c', false]],
  },
  {
    name: 'a comment belongs to the event behind it, which not every reader finds there',
    text: ': hi\ndata: a\n\n',
    want: [['', 'a', false]],
  },
  { name: 'a comment alone is dispatched to nobody', text: ': hi\n\n', want: [['', null, true]] },
  {
    name: 'empty lines alone are dispatched to nobody, and belong to the event behind them',
    text: '\n\r\n\rdata: a\n\n\n\n',
    want: [
      ['', 'a', false],
      ['', null, true],
    ],
  },
  {
    name: 'id and retry change nothing',
    text: 'id: 1\nretry: 5\ndata: a\n\n',
    want: [['', 'a', false]],
  },
  {
    name: 'a name without data is none, which some readers keep for the next event',
    text: 'event: x\n\ndata: a\n\n',
    want: [
      ['x', null, false],
      ['', 'a', true],
    ],
  },
  {
    name: 'a field that nobody knows is ignored, which not every reader does',
    text: 'dat: a\ndata: b\n\n',
    want: [['', 'b', false]],
  },
  {
    name: 'a BOM in front of the stream is none of it, to most readers',
    text: '\ufeffdata: a\n\n',
    want: [['', 'a', false]],
  },
  {
    name: 'a BOM later makes a field that nobody knows',
    text: 'data: a\n\n\ufeffdata: b\n\n',
    want: [
      ['', 'a', true],
      ['', null, false],
    ],
  },
  {
    name: 'a colon in the value is part of it',
    text: 'data: {"a":"b: c"}\n\n',
    want: [['', '{"a":"b: c"}', true]],
  },
  {
    name: 'what no empty line has ended is told at the end',
    text: 'data: a\n\ndata: b\n',
    want: [
      ['', 'a', true],
      ['', 'b', true],
    ],
  },
])('$name', ({ text, want }) => {
  expect(read([text]).map(shown)).toEqual(want)
})

test('a stream reads the same however it is cut, and its bytes are those of its events', () => {
  const line = fc.constantFrom(
    'data: a',
    'data: é😀',
    'event: x',
    ': c',
    'data',
    'id: 1',
    '\ufeff',
    '',
    '',
  )
  const end = fc.constantFrom('\n', '\r', '\r\n')
  const stream = fc
    .array(fc.tuple(line, end), { maxLength: 30 })
    .map((lines) => lines.flat().join(''))
  fc.assert(
    fc.property(stream, fc.array(fc.nat(5), { minLength: 1 }), (text, sizes) => {
      const bytes = Buffer.from(text)
      const pieces: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0)
        pieces.push(bytes.subarray(at, at + size))
        at += size
      }
      const events = read(pieces)
      expect(events).toEqual(read([bytes]))
      expect(Buffer.concat(events.map(({ raw }) => raw))).toEqual(bytes)
    }),
  )
})

test.for([
  { name: 'an event that is too long', pieces: ['data: ', 'a'.repeat(100)], kind: 'oversize' },
  { name: 'a comment that never ends', pieces: [':', 'a'.repeat(100)], kind: 'oversize' },
  {
    name: 'bytes that are no UTF-8',
    pieces: [Buffer.from([0x64, 0xff, 0x0a, 0x0a])],
    kind: 'encoding',
  },
])('$name is a fault', ({ pieces, kind }) => {
  const faulty = (): unknown => read(pieces, 50)
  expect(faulty).toThrow(SseFault)
  expect(faulty).toThrow(expect.objectContaining({ kind }))
})

test('what is written is read', () => {
  for (const newline of ['\n', '\r\n'] as const) {
    expect(read([encodeSse('x', '{"a":1}', newline)]).map(shown)).toEqual([['x', '{"a":1}', true]])
  }
})

// each of them once was quadratic: minutes
test.each(['\n', '\r', ':\n', ':\r', 'data:\n'])('a million lines %j are read at once', (line) => {
  const events = read([line.repeat(1_000_000), '\n\n', 'data: a\n\n'], 32 * 1024 * 1024)
  expect(events.at(-1)?.data).toMatch(/a$/)
})

const LINE_ENDS = ['\v', '\f', '\u001c', '\u001d', '\u001e', '\u0085', '\u2028', '\u2029']

test.each(LINE_ENDS)('%j is no end of a line in what is written', (end) => {
  expect(read([`: x${end}data: b\n\n`]).map(shown)).toEqual([['', null, false]])
  const written = encodeSse(`x${end}`, JSON.stringify({ a: `b${end}data: c` }), '\n').toString()
  expect(written).not.toContain(end)
  expect(JSON.parse(read([written])[0]?.data ?? '')).toEqual({ a: `b${end}data: c` })
})
