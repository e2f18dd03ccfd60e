import { expect, test } from 'vitest'
import type { ModelApi } from '../../src/core/action.ts'
import { call, MESSAGES_BODY, messagesEvents } from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST } from '../../src/gate/testing/scene.ts'
import { events, MARK, RULES, sse } from './model-provider.ts'

/**
 * Replies that are one call to who joins all of its pieces, and another to a client whose reader passes
 * over some of them, or gives them to the call that began last.
 */

const makeScene = modelScenes()

const ASKED = {
  messages: { path: '/v1/messages', body: MESSAGES_BODY },
  responses: { path: '/v1/responses', body: { model: 'x', input: 'go', stream: true } },
  chat: {
    path: '/v1/chat/completions',
    body: { model: 'x', messages: [{ role: 'user', content: 'go' }], stream: true },
  },
} as const

type Api = keyof typeof ASKED & ModelApi

async function send(
  api: Api,
  all: readonly string[],
): Promise<{ reply: string; deniedBy: () => readonly string[]; denied: Promise<void> }> {
  const scene = await makeScene({ api, tools: RULES })
  scene.canary.handler = events(all)
  const { path, body } = ASKED[api]
  const reply = await scene.rig.send(HOST, call(body, { path }))
  const { keyholder } = scene.rig
  return {
    reply: reply.replaceAll(/\r\n[0-9a-f]+\r\n/g, ''),
    deniedBy: () => keyholder.deniedBy(),
    denied: keyholder.until(() => keyholder.deniedBy().length > 0),
  }
}

const chunk = (...choices: object[]): object => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'x',
  choices,
})
const delta = (more: object, index = 0): object => ({ index, delta: more, finish_reason: null })
const said = (entry: object): object => chunk(delta({ tool_calls: [entry] }))
const begin = (index: number, name: string, args: string): object =>
  said({ index, id: `c${index}`, type: 'function', function: { name, arguments: args } })
const beginAs = (id: string): object =>
  said({ index: 1, id, type: 'function', function: { name: 'bash', arguments: '{}' } })
const goOn = (index: number, args: string): object => ({ index, function: { arguments: args } })
const END = [
  ...sse([chunk({ index: 0, delta: {}, finish_reason: 'tool_calls' })]),
  'data: [DONE]\n\n',
]
const OPEN = '{"command":"'
const CLOSE = '"}'

/** The command of each call, to a reader that goes by the names of events alone, as Anthropic's own does. */
function commandsByName(reply: string): string[] {
  const blocks = new Map<number, string>()
  for (const [, name, data = ''] of reply.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) {
    const event: { index: number; delta?: { partial_json?: string } } = JSON.parse(data)
    if (name !== 'content_block_delta' || event.delta?.partial_json === undefined) continue
    blocks.set(event.index, (blocks.get(event.index) ?? '') + event.delta.partial_json)
  }
  return [...blocks.values()]
}

const piece = (partial_json: string): object => ({
  type: 'content_block_delta',
  index: 1,
  delta: { type: 'input_json_delta', partial_json },
})
const nameless = (event: object): string => `data: ${JSON.stringify(event)}\n\n`

test('allowed: pieces one behind the other', async () => {
  const all = [begin(0, 'bash', OPEN), said(goOn(0, 'ls')), said(goOn(0, CLOSE))]
  const { reply, deniedBy } = await send('chat', [...sse(all), ...END])
  expect(reply).toContain('"arguments":"ls"')
  expect(deniedBy()).toEqual([])
})

test('pieces without a name, which one reader passes over: it runs what was judged', async () => {
  const whole = messagesEvents('ls')
  const first = whole.findIndex((event) => event.includes('input_json_delta'))
  const all = whole.toSpliced(
    first,
    2,
    ...sse([piece(OPEN)]),
    nameless(piece("echo '")),
    ...sse([piece(MARK)]),
    nameless(piece("'")),
    ...sse([piece(CLOSE)]),
  )
  const { reply, deniedBy } = await send('messages', all)
  expect(deniedBy()).toEqual([])
  expect(commandsByName(reply)).toEqual([`{"command":"echo '${MARK}'"}`])
})

test('a piece under a name that one reader passes over: it has none when it leaves', async () => {
  const [hidden = ''] = sse([said(goOn(0, "echo '"))])
  const all = [
    ...sse([begin(0, 'bash', OPEN)]),
    `event: thread.run\n${hidden}`,
    ...sse([said(goOn(0, `${MARK}'`)), said(goOn(0, CLOSE))]),
    ...END,
  ]
  const { reply, deniedBy } = await send('chat', all)
  expect(deniedBy()).toEqual([])
  expect(reply).toContain("echo '")
  expect(reply).not.toContain('thread.run')
})

/** The arguments of the first call, to a reader that looks for one kind of line ends and for `data: `. */
function argumentsByLines(reply: string): string {
  const events = reply.slice(reply.indexOf('data: ')).split('\n\n')
  const lines = events.map((event) => event.split('\n').find((line) => line.startsWith('data: ')))
  return lines
    .map((line = '') =>
      /"function":\{(?:"name":"bash",)?"arguments":("(?:[^"\\]|\\.)*")\}/.exec(line),
    )
    .map((found) => String(JSON.parse(found?.[1] ?? '""')))
    .join('')
}

test.each<[string, (event: string) => string]>([
  ['lines that end in CR', (event) => event.replaceAll('\n', '\r')],
  ['lines that end in CR LF', (event) => event.replaceAll('\n', '\r\n')],
  ['no space behind the colon', (event) => event.replace('data: ', 'data:')],
])('a piece with %s, which some readers do not find: they run what was judged', async (_, hide) => {
  const [hidden = '', other = ''] = sse([said(goOn(0, "echo '")), said(goOn(0, "'"))]).map(hide)
  const all = [
    ...sse([begin(0, 'bash', OPEN)]),
    hidden,
    ...sse([said(goOn(0, MARK))]),
    other,
    ...sse([said(goOn(0, CLOSE))]),
    ...END,
  ]
  const { reply, deniedBy } = await send('chat', all)
  expect(deniedBy()).toEqual([])
  expect(argumentsByLines(reply)).toBe(`{"command":"echo '${MARK}'"}`)
})

const note = { type: 'function_call', id: 'i0', call_id: 'c0', name: 'note', status: 'completed' }
const shell = { ...note, id: 'i1', call_id: 'c1', name: 'bash' }
const place = (type: string, output_index: number, more: object): object => ({
  type: `response.${type}`,
  output_index,
  ...more,
})

test.each<[string, Api, readonly object[]]>([
  [
    'a piece beside a text, which one reader passes over',
    'chat',
    [
      begin(0, 'bash', OPEN),
      chunk(delta({ content: 'x', tool_calls: [goOn(0, "echo '")] })),
      said(goOn(0, `${MARK}'`)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'a piece beside what only some readers take for a text',
    'chat',
    [
      begin(0, 'bash', OPEN),
      chunk(delta({ content: [], tool_calls: [goOn(0, "echo '")] })),
      said(goOn(0, `${MARK}'`)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'a text in a call, which ends it to one reader',
    'chat',
    [
      begin(0, 'bash', `${OPEN}${MARK}`),
      chunk(delta({ content: 'x' })),
      said(goOn(0, `-of-another-name${CLOSE}`)),
    ],
  ],
  [
    'pieces of one call behind the beginning of another, whose they are to one reader',
    'chat',
    [
      begin(0, 'note', '{"text":"'),
      begin(1, 'bash', OPEN),
      said(goOn(0, MARK)),
      said(goOn(1, CLOSE)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'a call under the id of another',
    'chat',
    [begin(0, 'note', JSON.stringify({ text: MARK })), beginAs('c0')],
  ],
  [
    'a piece in a second telling of its choice, which one reader passes over',
    'chat',
    [
      begin(0, 'bash', OPEN),
      chunk(delta({}), delta({ tool_calls: [goOn(0, "echo '")] })),
      said(goOn(0, `${MARK}'`)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'a call in another choice, which to one reader is the same',
    'chat',
    [
      begin(0, 'bash', `${OPEN}${MARK}`),
      chunk(delta({ content: 'x' }, 1)),
      said(goOn(0, `-of-another-name${CLOSE}`)),
    ],
  ],
  [
    'a choice under another spelling of its index',
    'chat',
    [
      begin(0, 'bash', OPEN),
      chunk({ index: '0', delta: { tool_calls: [goOn(0, "echo '")] } }),
      said(goOn(0, `${MARK}'`)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'a piece in a chunk with a member of another type, which one reader passes over',
    'chat',
    [
      begin(0, 'bash', OPEN),
      { ...said(goOn(0, "echo '")), created: 'today' },
      said(goOn(0, `${MARK}'`)),
      said(goOn(0, CLOSE)),
    ],
  ],
  [
    'arguments behind another item, whose they are to one reader',
    'responses',
    [
      place('output_item.added', 0, { item: { ...note, arguments: '' } }),
      place('output_item.added', 1, { item: { ...shell, arguments: '' } }),
      place('function_call_arguments.delta', 0, { delta: `{"text":"${MARK}"}` }),
      place('output_item.done', 1, { item: { ...shell, arguments: `${OPEN}ls${CLOSE}` } }),
      place('output_item.done', 0, { item: { ...note, arguments: `{"text":"${MARK}"}` } }),
    ],
  ],
  [
    'arguments behind the end of another call, which one reader passes over',
    'responses',
    [
      place('output_item.added', 0, { item: { ...note, arguments: '' } }),
      place('output_item.added', 1, { item: { ...shell, arguments: '' } }),
      place('function_call_arguments.delta', 1, { delta: `${OPEN}${MARK}` }),
      place('output_item.done', 0, { item: { ...note, arguments: '{}' } }),
      place('function_call_arguments.delta', 1, { delta: `-of-another-name${CLOSE}` }),
      place('output_item.done', 1, {
        item: { ...shell, arguments: `${OPEN}${MARK}-of-another-name${CLOSE}` },
      }),
    ],
  ],
])('%s: refused, recorded, nothing reaches the client', async (_, api, all) => {
  const sent = await send(api, [...sse(all), ...(api === 'chat' ? END : [])])
  expect(sent.reply).not.toContain(MARK)
  await sent.denied
  expect(sent.deniedBy()).toEqual(['llm.malformed'])
})

test('arguments told whole behind another item, whose they are to one reader: not told there', async () => {
  const args = JSON.stringify({ text: MARK })
  const all = sse([
    place('output_item.added', 0, { item: { ...note, arguments: '' } }),
    place('output_item.added', 1, { item: { ...shell, arguments: '' } }),
    place('function_call_arguments.done', 0, { arguments: args }),
    place('output_item.done', 0, { item: { ...note, arguments: args } }),
    place('output_item.done', 1, { item: { ...shell, arguments: `${OPEN}ls${CLOSE}` } }),
    place('completed', 0, { response: { id: 'r', status: 'completed', output: [] } }),
  ])
  const { reply, deniedBy } = await send('responses', all)
  expect(deniedBy()).toEqual([])
  expect(reply).toContain('"name":"note"')
  expect(reply).not.toContain('arguments.done')
})
