import type http from 'node:http'
import type { DecisionBundle } from '../../../wire/decision.ts'
import type { LlmProvider, LlmSettings } from '../../../wire/llm.ts'
import type { ToolPolicy } from '../../../wire/policy.ts'
import { PLAIN_BUNDLE } from '../../testing/decision.ts'
import {
  CREDENTIAL,
  HOST,
  PLACEHOLDER,
  rule,
  Scene,
  type SceneOptions,
} from '../../testing/scene.ts'

const PROVIDER: LlmProvider = {
  id: 'maker',
  api: 'messages',
  flavour: 'native',
  scheme: 'https',
  host: HOST,
  port: 443,
  basePath: '/v1',
}

export type ModelSceneOptions = {
  api?: LlmProvider['api']
  tools?: ToolPolicy
  llm?: Partial<LlmSettings>
  cedar?: DecisionBundle['cedar']
  more?: SceneOptions
}

/** Rules by which a model may have anything run but this one program. */
export function denyProgram(program: string): ToolPolicy {
  const any = { tool: '*', does: [], paths: [], hosts: [] }
  return {
    serverTools: [],
    rules: [
      { id: 'no', effect: 'deny', ...any, programs: [program], unknown: false },
      { id: 'any', effect: 'allow', ...any, programs: [], unknown: true },
    ],
  }
}

/** A gate between an agent and a server that plays a model provider. */
export async function modelScene(options: ModelSceneOptions = {}): Promise<Scene> {
  const { api = 'messages', tools, llm = {}, cedar = [], more = {} } = options
  const label = { integrity: 'trusted', confidentiality: 'internal', external: false } as const
  const bundle: DecisionBundle = {
    ...PLAIN_BUNDLE,
    cedar: [...PLAIN_BUNDLE.cedar, ...cedar],
    hosts: [{ host: HOST, ...label, groups: ['llm-providers'] }],
    llm: { ...PLAIN_BUNDLE.llm, providers: [{ ...PROVIDER, api }], ...llm },
  }
  const rules = [rule({ options: { effect: 'none' } })]
  const policy = { rules, ...(tools === undefined ? {} : { tools }) }
  return Scene.start({
    rules,
    credentials: [CREDENTIAL],
    bundle,
    decision: { policy },
    ...more,
  })
}

/** A call of a model as a client writes it. */
export function call(
  body: unknown,
  { path = '/v1/messages', key = `Bearer ${PLACEHOLDER}` } = {},
): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${HOST}`,
    `Authorization: ${key}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${text}`
}

export const MESSAGES_BODY = {
  model: 'claude-test',
  max_tokens: 1024,
  stream: true,
  tools: [{ name: 'Bash', input_schema: { type: 'object' } }],
  messages: [{ role: 'user', content: 'list the files' }],
}

/** Events of the Messages API: a text, and calls of Bash. */
export function messagesEvents(...commands: readonly string[]): string[] {
  const usage = { input_tokens: 100, cache_read_input_tokens: 40, output_tokens: 1 }
  const start = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  }
  const blocks = commands.flatMap((command, at) => {
    const index = at + 1
    const input = JSON.stringify({ command })
    return [
      {
        type: 'content_block_start',
        index,
        content_block: { type: 'tool_use', id: `toolu_${index}`, name: 'Bash', input: {} },
      },
      {
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: input.slice(0, 9) },
      },
      {
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: input.slice(9) },
      },
      { type: 'content_block_stop', index },
    ]
  })
  const events = [
    { type: 'message_start', message: start },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'I will look.' } },
    { type: 'content_block_stop', index: 0 },
    ...blocks,
    {
      type: 'message_delta',
      delta: { stop_reason: commands.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: 25 },
    },
    { type: 'message_stop' },
  ]
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

/** Answers with events, each in a chunk of its own. */
export function answering(
  events: readonly string[],
): (request: http.IncomingMessage, response: http.ServerResponse) => void {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    for (const event of events) response.write(event)
    response.end()
  }
}

/** The body of a reply as the agent has it, without chunks. */
export function bodyOf(reply: string): string {
  const at = reply.indexOf('\r\n\r\n')
  const body = reply.slice(at + 4)
  if (!/transfer-encoding: chunked/i.test(reply.slice(0, at))) return body
  let rest = body
  let text = ''
  for (;;) {
    const end = rest.indexOf('\r\n')
    const length = Number.parseInt(rest.slice(0, end), 16)
    if (!(length > 0)) return text
    text += rest.slice(end + 2, end + 2 + length)
    rest = rest.slice(end + 4 + length)
  }
}
