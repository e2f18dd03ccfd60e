import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MODEL_APIS } from '../../core/action.ts'
import { readModelRequest } from './read-request.ts'
import { RequestReader } from './request-reader.ts'
import { routeTo } from './testing/read-or-throw.ts'
import { claudeCodeBody } from './testing/bodies.ts'

const MESSAGES = routeTo('messages')

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

test('of a next turn only what is new is fresh, and all of it is told', () => {
  const reader = new RequestReader()
  const first = reader.read(MESSAGES, bytes(claudeCodeBody(9)))
  const second = reader.read(MESSAGES, bytes(claudeCodeBody(10)))
  if (first.kind === 'malformed' || second.kind === 'malformed') throw new Error('not read')
  expect(first.fresh).toEqual(first.texts)
  expect(second.fresh.map(({ channel, text }) => `${channel}: ${text.slice(0, 10)}`)).toEqual([
    'assistant: Step 9: Us',
    'assistant: sed -n 9,9',
    'tool-result: 9: export ',
  ])
  expect(second.texts.length).toBe(first.texts.length + 3)
})

test('what was said before in another channel is fresh in this one', () => {
  const reader = new RequestReader()
  const say = (role: string) => bytes({ model: 'm', messages: [{ role, content: 'the same' }] })
  const fresh = (role: string) => {
    const read = reader.read(MESSAGES, say(role))
    return read.kind === 'read' ? read.fresh : []
  }
  expect(fresh('user')).toEqual([{ channel: 'user', text: 'the same' }])
  expect(fresh('user')).toEqual([])
  expect(fresh('assistant')).toEqual([{ channel: 'assistant', text: 'the same' }])
  expect(fresh('user')).toEqual([])
})

test('conversations of one session take turns and keep what they said', () => {
  const reader = new RequestReader()
  const turn = (who: string, count: number) =>
    bytes({
      model: 'm',
      messages: Array.from({ length: count }, (_, n) => ({ role: 'user', content: `${who} ${n}` })),
    })
  const fresh = (body: Buffer) => {
    const read = reader.read(MESSAGES, body)
    return read.kind === 'read' ? read.fresh.map(({ text }) => text) : []
  }
  expect(fresh(turn('one', 40)).length).toBe(40)
  expect(fresh(turn('two', 40)).length).toBe(40)
  expect(fresh(turn('one', 41))).toEqual(['one 40'])
  expect(fresh(turn('two', 42))).toEqual(['two 40', 'two 41'])
})

test('a malformed body is forgotten', () => {
  const reader = new RequestReader()
  const body = bytes(claudeCodeBody(3))
  const broken = Buffer.from(`${body.toString().slice(0, -1)},"model":"other"}`)
  const want = { kind: 'malformed', reason: 'a name that stands twice in one object' }
  expect(reader.read(MESSAGES, broken)).toEqual(want)
  expect(reader.read(MESSAGES, body)).toEqual(readModelRequest(MESSAGES, body))
  expect(reader.read(MESSAGES, broken)).toEqual(want)
})

test('the same part at another place is another part', () => {
  const reader = new RequestReader()
  const block = { type: 'text', text: 'a text', name: 'tool', role: 'user', content: 'a content' }
  for (const place of ['messages', 'system', 'tools', 'mcp_servers', 'messages']) {
    const body = bytes({ model: 'm', [place]: [block, block] })
    const read = reader.read(MESSAGES, body)
    expect({ ...read, fresh: [] }).toEqual({ ...readModelRequest(MESSAGES, body), fresh: [] })
  }
})

/** Bodies of all formats, of few words: edits are to make parts alike, and cut them in two. */
const word = fc.constantFrom('a', 'b', 'ab', '"', '\\', '{', ']', 'é', '😀', '')
const part = fc.constantFrom<(text: string) => object>(
  (text) => ({ type: 'text', text }),
  (text) => ({ type: 'input_text', text }),
  (text) => ({ text }),
  (text) => ({ type: 'tool_use', id: text, name: 'x', input: { [text]: [text, 1, null] } }),
  (text) => ({ type: 'tool_result', tool_use_id: text, content: text }),
  (text) => ({ type: 'image', source: { type: 'base64', data: text } }),
  (text) => ({ type: text }),
)
const content = fc.oneof(
  word,
  fc.array(
    fc.tuple(part, word).map(([make, text]) => make(text)),
    { maxLength: 3 },
  ),
)
const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'system', 'tool', 'model'),
  content,
  parts: fc.array(fc.record({ text: word }), { maxLength: 2 }),
})
const tool = fc.record({
  name: word,
  type: fc.constantFrom('function', 'custom', 'web_search'),
  function: fc.record({ name: word }),
  functionDeclarations: fc.array(fc.record({ name: word }), { maxLength: 2 }),
})
const body = fc
  .record(
    {
      model: fc.constantFrom('m', 'other'),
      messages: fc.array(message, { maxLength: 6 }),
      input: fc.oneof(word, fc.array(message, { maxLength: 6 })),
      contents: fc.array(message, { maxLength: 6 }),
      system: content,
      systemInstruction: fc.record({
        parts: fc.array(fc.record({ text: word }), { maxLength: 2 }),
      }),
      tools: fc.array(tool, { maxLength: 4 }),
      max_tokens: fc.integer({ min: 1, max: 2000 }),
      stream: fc.boolean(),
    },
    { requiredKeys: ['model'] },
  )
  .chain((value) =>
    fc.constantFrom(undefined, 1).map((space) => JSON.stringify(value, null, space)),
  )

/** What an edit puts there: structure, halves of characters, and whole members. */
const patch = fc.constantFrom(
  '',
  '1',
  '"',
  '\\',
  ',',
  '{',
  '}',
  '[',
  ']',
  ' ',
  'null,',
  '"x":1,',
  '"model":"z",',
  '{"role":"user","content":"new"},',
  'é',
  '\u{1f600}',
)
const edit = fc.record({
  at: fc.nat({ max: 10_000 }),
  cut: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 200 })),
  patch,
})
type Edit = { at: number; cut: number; patch: string }

/** In bytes, so that an edit may cut a character in two. */
function applied(old: Buffer, { at, cut, patch: put }: Edit): Buffer {
  const from = old.length === 0 ? 0 : at % (old.length + 1)
  return Buffer.concat([old.subarray(0, from), Buffer.from(put), old.subarray(from + cut)])
}

test('whatever stood in earlier bodies, each is read as if it were the first', () => {
  let read = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...MODEL_APIS),
      fc.array(body, { minLength: 1, maxLength: 3 }),
      fc.array(fc.tuple(fc.boolean(), edit), { maxLength: 8 }),
      (api, bodies, edits) => {
        const reader = new RequestReader()
        const [begun = ''] = bodies
        let base: Buffer = Buffer.from(begun)
        let last = base
        const all: Buffer[] = bodies.map((text) => Buffer.from(text))
        for (const [goesOn, each] of edits) {
          last = applied(goesOn ? last : base, each)
          all.push(last, base)
        }
        for (const each of all) {
          const whole = readModelRequest(routeTo(api), each)
          const turn = reader.read(routeTo(api), each)
          if (turn.kind === 'read') read += 1
          expect({ ...turn, fresh: [] }).toEqual({ ...whole, fresh: [] })
          base = each
        }
      },
    ),
    { numRuns: 600 },
  )
  expect(read).toBeGreaterThan(800)
})

test('every text is fresh exactly when it is said for the first time in its channel', () => {
  fc.assert(
    fc.property(fc.constantFrom(...MODEL_APIS), fc.array(body, { maxLength: 6 }), (api, bodies) => {
      const reader = new RequestReader()
      const said = new Set<string>()
      for (const text of bodies) {
        const read = reader.read(routeTo(api), Buffer.from(text))
        if (read.kind === 'malformed') continue
        const fresh = new Set(read.fresh.map((each) => JSON.stringify(each)))
        const want = new Set(
          read.texts.map((each) => JSON.stringify(each)).filter((each) => !said.has(each)),
        )
        expect(fresh).toEqual(want)
        expect(read.fresh.length).toBe(want.size)
        for (const each of want) said.add(each)
      }
    }),
  )
})

test('whichever byte of a body changes, comes or goes, it is read as if it were the first', () => {
  const text =
    '{"model":"m","messages":[{"role":"user","content":"ab"},{"role":"user","content":[]}],"system":"ab","max_tokens":12,"stream":false,"tools":[{"name":"x"}]}'
  const old = Buffer.from(text)
  const patches = ['', '1', 'b', '"', '{', '[', ',', ' ']
  const edits = Array.from({ length: old.length + 1 }, (_, at) =>
    patches.flatMap((put) => [0, 1].map((cut) => ({ at, cut, patch: put }))),
  ).flat()
  const differing = edits.filter((each) => {
    const turn = applied(old, each)
    const reader = new RequestReader()
    reader.read(MESSAGES, old)
    const same = { ...reader.read(MESSAGES, turn), fresh: [] }
    const whole = { ...readModelRequest(MESSAGES, turn), fresh: [] }
    return JSON.stringify(same) !== JSON.stringify(whole)
  })
  expect(differing).toEqual([])
})

test('values of earlier turns count in each turn', () => {
  const tool = `{"name":"x","input_schema":[${'[],'.repeat(300_000)}[]]}`
  const turn = (count: number) =>
    Buffer.from(`{"model":"m","tools":[${Array.from({ length: count }, () => tool).join()}]}`)
  const reader = new RequestReader()
  expect(reader.read(MESSAGES, turn(1)).kind).toBe('read')
  const second = turn(2)
  expect(reader.read(MESSAGES, second)).toMatchObject({ kind: 'malformed' })
  expect(reader.read(MESSAGES, second)).toEqual(readModelRequest(MESSAGES, second))
})
