import type http from 'node:http'
import { expect, test } from 'vitest'
import type { LlmProvider } from '../../wire/llm.ts'
import { talk } from '../testing/rig.ts'
import { HOST, rule, type Scene } from '../testing/scene.ts'
import { GATEWAY_HOST } from './targets.ts'
import { bodyOf, call, MESSAGES_BODY, denyProgram } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

const CHAT: LlmProvider = {
  id: 'maker',
  api: 'chat',
  flavour: 'native',
  scheme: 'https',
  host: HOST,
  port: 443,
  basePath: '/v1',
}

const makeScene = modelScenes()

/** A client of Anthropic's format, whose model is behind a server of Chat Completions. */
async function start(): Promise<Scene> {
  const rules = [
    rule({ id: 'gateway', scheme: 'http', host: GATEWAY_HOST, port: 80 }),
    rule({ options: { effect: 'none' } }),
  ]
  const tools = denyProgram('forbidden')
  return makeScene({
    llm: { providers: [CHAT] },
    more: { rules, decision: { policy: { rules, tools } } },
  })
}

async function ask({ rig }: Scene, body: object): Promise<string> {
  const socket = await rig.dial(await rig.resolve(GATEWAY_HOST), 80)
  const text = call({ ...MESSAGES_BODY, model: 'maker/gpt-x', ...body })
  return talk(socket, [text.replace(`Host: ${HOST}`, `Host: ${GATEWAY_HOST}`)])
}

/** Chat Completions: a text, and a call of Bash in two pieces. */
function answering(command: string) {
  const args = JSON.stringify({ command })
  const tool = (piece: object) => ({ delta: { tool_calls: [{ index: 0, ...piece }] } })
  const chunks = [
    { delta: { role: 'assistant', content: 'I look.' } },
    tool({
      id: 'call_1',
      type: 'function',
      function: { name: 'Bash', arguments: args.slice(0, 7) },
    }),
    tool({ function: { arguments: args.slice(7) } }),
    { delta: {}, finish_reason: 'tool_calls' },
  ].map((choice) => ({ id: 'r1', model: 'gpt-x-1', choices: [{ index: 0, ...choice }] }))
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 7,
    prompt_tokens_details: { cached_tokens: 40 },
  }
  const events = [...chunks, { id: 'r1', model: 'gpt-x-1', choices: [], usage }]
  return (_: http.IncomingMessage, response: http.ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`)
    response.end('data: [DONE]\n\n')
  }
}

/** The `data` of its events, by type. */
function eventsIn(reply: string): { type: string }[] {
  return [...bodyOf(reply).matchAll(/^data: (.*)$/gm)].map(([, data = '']) =>
    Object(JSON.parse(data)),
  )
}

test('a client of one format is answered by a model of another', async () => {
  const scene = await start()
  scene.canary.handler = answering('ls')
  const events = eventsIn(await ask(scene, {}))
  expect(events.map(({ type }) => type)).toEqual([
    'message_start',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'content_block_start',
    'content_block_delta',
    'content_block_stop',
    'message_delta',
    'message_stop',
  ])
  expect(events.at(4)).toMatchObject({
    content_block: { type: 'tool_use', id: 'call_1', name: 'Bash' },
  })
  expect(events.at(-2)).toMatchObject({
    delta: { stop_reason: 'tool_use' },
    usage: { input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 7 },
  })
  const [seen] = scene.canary.requests
  expect(seen?.url).toBe('/v1/chat/completions')
  expect(JSON.parse(seen?.body ?? '')).toMatchObject({
    model: 'gpt-x',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'list the files' }] }],
    tools: [{ type: 'function', function: { name: 'Bash' } }],
    stream_options: { include_usage: true },
  })
  await scene.rig.keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'llm.call'))
  expect(scene.rig.keyholder.leaves.find(({ type }) => type === 'llm.call')).toMatchObject({
    api: 'chat',
    model: 'gpt-x',
    usage: { input: 60, cacheRead: 40, output: 7 },
    calls: { proposed: 1, released: 1, replaced: 0 },
  })
})

test('a call that is denied does not come out on the other side of a translation', async () => {
  const scene = await start()
  scene.canary.handler = answering('forbidden --now')
  const reply = await ask(scene, {})
  expect(reply).not.toContain('forbidden')
  const events = eventsIn(reply)
  expect(events.some((event) => JSON.stringify(event).includes('tool_use'))).toBe(false)
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' } })
  expect(JSON.stringify(events)).toContain('[Sekisho]')
  const denied = scene.rig.keyholder
    .intents()
    .filter(({ action: { kind } }) => kind === 'llm.tool-call')
    .map(({ verdict }) => [verdict.kind, verdict.rules])
  expect(denied).toEqual([['deny', ['no']]])
})

test('what the other format cannot say is refused, and nobody is asked', async () => {
  const scene = await start()
  const tools = [{ type: 'web_search_20250305', name: 'web_search' }]
  const reply = await ask(scene, { tools })
  expect(reply).toMatch(/^HTTP\/1\.1 403 /)
  expect(JSON.parse(bodyOf(reply))).toMatchObject({
    type: 'error',
    error: { type: 'permission_error' },
  })
  expect(scene.canary.requests).toEqual([])
  const intents = scene.rig.keyholder.intents().map(({ verdict: { rules } }) => rules)
  expect(intents).toContainEqual(['llm.untranslatable'])
})

test('an error of the provider is one of the client’s format', async () => {
  const scene = await start()
  scene.canary.handler = (_, response) => {
    const body = JSON.stringify({
      error: { message: 'no such model', type: 'x', code: 'model_not_found' },
    })
    response.writeHead(404, { 'content-type': 'application/json' }).end(body)
  }
  const reply = await ask(scene, {})
  expect(reply).toMatch(/^HTTP\/1\.1 404 /)
  expect(JSON.parse(bodyOf(reply))).toEqual({
    type: 'error',
    error: { type: 'not_found_error', message: 'no such model' },
  })
})
