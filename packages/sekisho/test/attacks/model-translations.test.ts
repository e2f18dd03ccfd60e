import { expect, test } from 'vitest'
import { bodyOf, call, MESSAGES_BODY } from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { GATEWAY_HOST } from '../../src/gate/llm/targets.ts'
import { talk } from '../../src/gate/testing/rig.ts'
import { HOST, rule } from '../../src/gate/testing/scene.ts'
import type { LlmProvider } from '../../src/wire/llm.ts'
import { document, events, MARK, type Plays, RULES, sse } from './model-provider.ts'

/**
 * A model whose replies are told in the client's format, and who wants the translation to say another
 * call than was judged, or one where none was.
 */

const makeScene = modelScenes()

const CHAT_CLIENT = {
  path: '/v1/chat/completions',
  body: {
    model: 'maker/m',
    messages: [{ role: 'user', content: 'go' }],
    tools: [{ type: 'function', function: { name: 'Bash', parameters: { type: 'object' } } }],
    stream: true,
  },
}
const MESSAGES_CLIENT = { path: '/v1/messages', body: { ...MESSAGES_BODY, model: 'maker/m' } }

async function ask(
  api: LlmProvider['api'],
  { path, body }: { path: string; body: object },
  plays: Plays,
): Promise<string> {
  const rules = [
    rule({ id: 'gateway', scheme: 'http', host: GATEWAY_HOST, port: 80 }),
    rule({ options: { effect: 'none' } }),
  ]
  const provider = { id: 'maker', api, flavour: 'native', scheme: 'https', host: HOST } as const
  const scene = await makeScene({
    llm: { providers: [{ ...provider, port: 443, basePath: '/v1' }] },
    more: { rules, decision: { policy: { rules, tools: RULES } } },
  })
  scene.canary.handler = plays
  const socket = await scene.rig.dial(await scene.rig.resolve(GATEWAY_HOST), 80)
  return bodyOf(await talk(socket, [call(body, { path }).replace(HOST, GATEWAY_HOST)]))
}

/** Names of the calls that a client of Messages finds in events or in a document. */
const callsIn = (reply: string): string[] =>
  [...reply.matchAll(/"type":"tool_use","id":"[^"]*","name":"([^"]*)"/g)].map(
    ([, name = '']) => name,
  )

const messages = (delta: object): string[] =>
  sse([
    { type: 'message_start', message: { id: 'm', model: 'm', content: [] } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, ...delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ])

const NOTE = {
  id: 'c0',
  type: 'function',
  function: { name: 'note', arguments: JSON.stringify({ text: MARK }) },
}
const RUN = { id: 'c1', type: 'function', function: { name: 'run', arguments: '' } }
const chunk = (delta: object, finish_reason: string | null = null): object => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})

test('allowed: a text, and two calls', async () => {
  const text = messages({ delta: { type: 'text_delta', text: 'hello' } })
  expect(await ask('messages', CHAT_CLIENT, events(text))).toContain('"content":"hello"')
  const calls = [
    chunk({
      tool_calls: [
        { index: 0, ...NOTE },
        { index: 1, ...RUN },
      ],
    }),
  ]
  const all = sse([...calls, chunk({}, 'tool_calls')])
  expect(callsIn(await ask('chat', MESSAGES_CLIENT, events(all)))).toEqual(['note', 'run'])
})

test('a call beside a piece of a text: it is none on the other side either', async () => {
  const block = { type: 'tool_use', id: 't', name: 'Bash', input: { command: MARK } }
  const all = messages({ delta: { type: 'text_delta', text: 'hello' }, content_block: block })
  const reply = await ask('messages', CHAT_CLIENT, events(all))
  expect(reply).toContain('"content":"hello"')
  expect(reply).not.toContain(MARK)
})

test('calls without an index: none has the arguments of another', async () => {
  const all = sse([
    chunk({ tool_calls: [NOTE] }),
    chunk({ tool_calls: [RUN] }),
    chunk({}, 'tool_calls'),
  ])
  const reply = await ask('chat', MESSAGES_CLIENT, events(all))
  expect(callsIn(reply)).toEqual(['note', 'run'])
})

test('calls of a document under one index: none has the arguments of another', async () => {
  const tool_calls = [NOTE, RUN].map((one) => ({ index: 0, ...one }))
  const reply = await ask(
    'chat',
    { ...MESSAGES_CLIENT, body: { ...MESSAGES_CLIENT.body, stream: false } },
    document({
      id: 'c',
      model: 'm',
      choices: [
        { index: 0, message: { role: 'assistant', tool_calls }, finish_reason: 'tool_calls' },
      ],
    }),
  )
  expect(callsIn(reply)).toEqual(['note', 'run'])
})

test('a call of a tool of a server, judged as that: it is no tool of the client’s', async () => {
  const item = { type: 'function_call', id: 'i', call_id: 'c', status: 'completed' }
  const called = { ...item, name: 'run', namespace: 'mcp__notes', arguments: '{}' }
  const all = sse([
    { type: 'response.created', response: { id: 'r', model: 'm', output: [] } },
    { type: 'response.output_item.done', output_index: 0, item: called },
    { type: 'response.completed', response: { id: 'r', status: 'completed', output: [called] } },
  ])
  const reply = await ask('responses', MESSAGES_CLIENT, events(all))
  expect(reply).toContain('message_start')
  expect(callsIn(reply)).toEqual([])
})
