import { expect, test } from 'vitest'
import type { ModelApi } from '../../src/core/action.ts'
import {
  call,
  MESSAGES_BODY,
  messagesEvents,
  type ModelSceneOptions,
} from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST, type Scene } from '../../src/gate/testing/scene.ts'
import { document, events, MARK, type Plays, RULES, sse } from './model-provider.ts'

/**
 * What a model, or whoever plays it, wants a client to run: the client is the canary here. Nothing of
 * a denied call may reach it, however its bytes come.
 */

const makeScene = modelScenes()

async function start(options: ModelSceneOptions = {}): Promise<Scene> {
  return makeScene({ tools: RULES, ...options })
}

const SHELL = JSON.stringify({ command: `${MARK} --now` })
const USE = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: `${MARK} --now` } }
const MESSAGE = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'x',
  stop_reason: 'tool_use',
  usage: { input_tokens: 1, output_tokens: 1 },
}
const FUNCTION = { type: 'function', id: 'c1', function: { name: 'bash', arguments: SHELL } }
const ITEM = {
  id: 'fc',
  type: 'function_call',
  status: 'completed',
  call_id: 'c',
  name: 'shell',
  arguments: JSON.stringify({ command: [MARK] }),
}
const RESPONSE = {
  id: 'r',
  object: 'response',
  model: 'x',
  status: 'completed',
  output: [ITEM],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
}
const PART = { functionCall: { name: 'run_shell_command', args: { command: `${MARK} --now` } } }
const CANDIDATES = {
  candidates: [{ index: 0, content: { role: 'model', parts: [PART] }, finishReason: 'STOP' }],
  modelVersion: 'x',
}
const delta = (more: object, reason: string | null = null): object => ({
  id: 'c',
  object: 'chat.completion.chunk',
  model: 'x',
  choices: [{ index: 0, delta: more, finish_reason: reason }],
})

const RESPONSES_EVENTS = sse([
  {
    type: 'response.created',
    sequence_number: 0,
    response: { ...RESPONSE, status: 'in_progress', output: [] },
  },
  {
    type: 'response.output_item.added',
    sequence_number: 1,
    output_index: 0,
    item: { ...ITEM, arguments: '' },
  },
  {
    type: 'response.function_call_arguments.delta',
    sequence_number: 2,
    item_id: 'fc',
    output_index: 0,
    delta: ITEM.arguments,
  },
  {
    type: 'response.function_call_arguments.done',
    sequence_number: 3,
    item_id: 'fc',
    output_index: 0,
    arguments: ITEM.arguments,
  },
  { type: 'response.output_item.done', sequence_number: 4, output_index: 0, item: ITEM },
  { type: 'response.completed', sequence_number: 5, response: RESPONSE },
])
const CHAT_EVENTS = [
  ...sse([
    delta({
      role: 'assistant',
      tool_calls: [{ index: 0, ...FUNCTION, function: { name: 'bash', arguments: '' } }],
    }),
    delta({ tool_calls: [{ index: 0, function: { arguments: SHELL.slice(0, 9) } }] }),
    delta({ tool_calls: [{ index: 0, function: { arguments: SHELL.slice(9) } }] }),
    delta({}, 'tool_calls'),
  ]),
  'data: [DONE]\n\n',
]
const PATHS = {
  messages: '/v1/messages',
  responses: '/v1/responses',
  chat: '/v1/chat/completions',
  gemini: '/v1beta/models/x:streamGenerateContent?alt=sse',
} as const
const ASKED: Readonly<Record<ModelApi, object>> = {
  messages: MESSAGES_BODY,
  responses: { model: 'x', input: 'go', stream: true },
  chat: { model: 'x', messages: [{ role: 'user', content: 'go' }], stream: true },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'go' }] }] },
}

/** Denied, recorded, and nothing of it with the client. */
async function expectHeld(
  scene: Scene,
  { api, plays, by = 'no' }: { api: ModelApi; plays: Plays; by?: string },
): Promise<void> {
  scene.canary.handler = plays
  const reply = await scene.rig.send(HOST, call(ASKED[api], { path: PATHS[api] }))
  await scene.rig.keyholder.until((keyholder) => keyholder.deniedBy().length > 0)
  expect(scene.rig.keyholder.deniedBy()).toEqual([by])
  expect(reply.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')).not.toContain(MARK)
}

test('allowed: another program', async () => {
  const scene = await start()
  scene.canary.handler = events(messagesEvents('ls'))
  expect(await scene.rig.send(HOST, call(MESSAGES_BODY))).toContain('"ls')
})

test.each<[string, ModelApi, Plays]>([
  ['in events of Messages', 'messages', events(messagesEvents(`${MARK} --now`))],
  ['in a document of Messages', 'messages', document({ ...MESSAGE, content: [USE] })],
  ['in events of Responses', 'responses', events(RESPONSES_EVENTS)],
  ['in a document of Responses', 'responses', document(RESPONSE)],
  ['in events of Chat', 'chat', events(CHAT_EVENTS)],
  [
    'in a document of Chat',
    'chat',
    document({
      id: 'c',
      object: 'chat.completion',
      model: 'x',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: { role: 'assistant', content: null, tool_calls: [FUNCTION] },
        },
      ],
    }),
  ],
  ['in events of Gemini', 'gemini', events(sse([CANDIDATES]))],
  ['in a document of Gemini', 'gemini', document(CANDIDATES)],
  ['byte by byte', 'messages', events(messagesEvents(`${MARK} --now`), { cut: 1 })],
  ['byte by byte, of Responses', 'responses', events(RESPONSES_EVENTS, { cut: 1 })],
  ['byte by byte, of Chat', 'chat', events(CHAT_EVENTS, { cut: 1 })],
  ['byte by byte, of Gemini', 'gemini', events(sse([CANDIDATES]), { cut: 1 })],
  ['between two that are allowed', 'messages', events(messagesEvents('ls', MARK, 'pwd'))],
  ['with a status beside 200', 'messages', events(messagesEvents(MARK), { status: 201 })],
  [
    'with its type in capitals',
    'messages',
    events(messagesEvents(MARK), { type: 'TEXT/EVENT-STREAM' }),
  ],
  [
    'with escapes in its type',
    'messages',
    events(
      messagesEvents(MARK).map((event) =>
        event.replaceAll('"tool_use"', String.raw`"tool\u005fuse"`),
      ),
    ),
  ],
  [
    'with lines that end in CR',
    'messages',
    events(messagesEvents(MARK).map((event) => event.replaceAll('\n', '\r'))),
  ],
  [
    'behind comments and empty fields',
    'messages',
    events(messagesEvents(MARK).map((event) => `:\nid\n${event}`)),
  ],
  [
    'beside an error of Gemini, which its own client reads past',
    'gemini',
    events(sse([{ error: { code: 0, message: 'x' }, ...CANDIDATES }])),
  ],
  ['with a shell in a shell', 'messages', events(messagesEvents(`sh -c "env X=1 ${MARK}"`))],
  ['with quotes in its name', 'messages', events(messagesEvents('"forbidden-"program'))],
  ['that arithmetic runs', 'messages', events(messagesEvents(`x='a[$(${MARK})]'; ((x)); ls`))],
  [
    'under the name of another program',
    'messages',
    events(messagesEvents(`for PATH in ./${MARK}; do ls; done`)),
  ],
])('a denied call %s: denied, recorded, nothing reaches the client', async (_, api, plays) => {
  await expectHeld(await start({ api }), { api, plays })
})

const odd = (block: object): string[] => {
  const all = messagesEvents()
  all.splice(4, 0, ...sse([{ type: 'content_block_start', index: 1, content_block: block }]))
  return all
}

test.each<[string, string, ModelApi, Plays]>([
  [
    'arguments that are no JSON',
    'llm.malformed',
    'chat',
    events([...CHAT_EVENTS.slice(0, 2), ...CHAT_EVENTS.slice(3)]),
  ],
  [
    'arguments with a name that stands twice',
    'llm.malformed',
    'messages',
    events(
      messagesEvents('x').map((event) =>
        event.replace('{\\"command', `{\\"command\\":\\"${MARK}\\",\\"command`),
      ),
    ),
  ],
  [
    'a block that nobody knows',
    'llm.unsupported',
    'messages',
    events(odd({ type: 'execute', command: MARK })),
  ],
  [
    'an event that is no JSON',
    'llm.malformed',
    'messages',
    events(messagesEvents().toSpliced(4, 0, `event: ping\ndata: {"a": ${MARK}\n\n`)),
  ],
  [
    'one call under two spellings of its index',
    'llm.malformed',
    'chat',
    events([
      ...sse([
        delta({ tool_calls: [{ ...FUNCTION, index: '0', id: 'c2' }] }),
        delta({ tool_calls: [{ ...FUNCTION, index: 0, function: { name: 'x', arguments: '' } }] }),
        delta({}, 'tool_calls'),
      ]),
      'data: [DONE]\n\n',
    ]),
  ],
  [
    'calls of which one has no index',
    'llm.malformed',
    'chat',
    events([
      ...sse([
        delta({ tool_calls: [{ ...FUNCTION, id: 'c2' }] }),
        delta({ tool_calls: [{ ...FUNCTION, index: 0, function: { name: 'x', arguments: '' } }] }),
        delta({}, 'tool_calls'),
      ]),
      'data: [DONE]\n\n',
    ]),
  ],
  [
    'a shell line that nobody can parse',
    'llm.unreadable-call',
    'messages',
    events(messagesEvents(`${MARK} "`)),
  ],
])('%s: refused, recorded, nothing reaches the client', async (...[, by, api, plays]) => {
  await expectHeld(await start({ api }), { api, plays, by })
})

test('an error behind a call does not let it out', async () => {
  const scene = await start()
  const all = messagesEvents(MARK).slice(0, -2)
  await expectHeld(scene, {
    api: 'messages',
    plays: events([
      ...all,
      ...sse([{ type: 'error', error: { type: 'overloaded_error', message: 'x' } }]),
    ]),
  })
})

test('a call that is not whole when the provider breaks off does not come out', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(messagesEvents(MARK).slice(0, -3).join(''), () => response.destroy())
  }
  expect(await scene.rig.send(HOST, call(MESSAGES_BODY))).not.toContain(MARK)
})

test('a call that cannot be recorded is not released', async () => {
  const scene = await start()
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'llm.tool-call')
      throw new Error('full')
  }
  scene.canary.handler = events(messagesEvents('allowed-program'))
  expect(await scene.rig.send(HOST, call(MESSAGES_BODY))).not.toContain('allowed-program')
})
