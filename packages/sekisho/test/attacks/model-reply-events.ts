import {
  call,
  MESSAGES_BODY,
  type ModelSceneOptions,
} from '../../src/gate/llm/testing/model-scene.ts'
import { HOST, type Scene } from '../../src/gate/testing/scene.ts'
import { MARK, type Plays, RULES } from './model-provider.ts'

/** What is asked and answered in attacks on how replies are read. */

const GEMINI = '/v1/models/x:streamGenerateContent?alt=sse'
const ASKED = {
  messages: { path: '/v1/messages', body: MESSAGES_BODY },
  responses: { path: '/v1/responses', body: { model: 'x', input: 'go', stream: true } },
  chat: {
    path: '/v1/chat/completions',
    body: { model: 'x', messages: [{ role: 'user', content: 'go' }], stream: true },
  },
  gemini: { path: GEMINI, body: { contents: [{ role: 'user', parts: [{ text: 'go' }] }] } },
} as const

export type Asked = keyof typeof ASKED
/** @property all events of the reply */
export type Case = [what: string, api: Asked, all: readonly object[]]

type Sent = { reply: string; denied: () => Promise<readonly string[]> }

/** Sends a call to who plays so, where the bundle lets pass what nobody can look into. */
export function sender(
  makeScene: (options: ModelSceneOptions) => Promise<Scene>,
): (api: Asked, plays: Plays, more?: object) => Promise<Sent> {
  return async (api, plays, more = {}) => {
    const scene = await makeScene({ api, tools: RULES, llm: { unsupported: 'pass' } })
    scene.canary.handler = plays
    const { path, body } = ASKED[api]
    const reply = await scene.rig.send(HOST, call({ ...body, ...more }, { path }))
    const { keyholder } = scene.rig
    return {
      reply,
      denied: async () => {
        await keyholder.until(() => keyholder.deniedBy().length > 0)
        return keyholder.deniedBy()
      },
    }
  }
}

export const ARGUMENTS = JSON.stringify({ command: MARK })
export const ENTRY = {
  index: 0,
  id: 'c0',
  type: 'function',
  function: { name: 'bash', arguments: ARGUMENTS },
}

export const chunk = (...choices: object[]): object => ({ id: 'c', model: 'x', choices })
export const delta = (more: object): object => ({ index: 0, delta: more, finish_reason: null })
export const CHAT_END = chunk({ index: 0, delta: {}, finish_reason: 'stop' })

export const place = (type: string, more: object): object => ({
  type: `response.${type}`,
  output_index: 0,
  ...more,
})
export const note = {
  type: 'function_call',
  id: 'i0',
  call_id: 'c0',
  name: 'note',
  status: 'completed',
}
export const custom = { ...note, type: 'custom_tool_call' }
export const added = place('output_item.added', { item: { ...note, arguments: '' } })
export const whole = (args: string): object[] => [
  place('output_item.done', { item: { ...note, arguments: args } }),
  { type: 'response.completed', response: { id: 'r', status: 'completed', output: [] } },
]

export const begun = { type: 'message_start', message: { id: 'm', role: 'assistant', content: [] } }
export const start = (index: number, name: string, input: unknown = {}): object => ({
  type: 'content_block_start',
  index,
  content_block: { type: 'tool_use', id: `c${index}`, name, input },
})
export const piece = (index: number, partial_json: string, type = 'input_json_delta'): object => ({
  type: 'content_block_delta',
  index,
  delta: { type, partial_json },
})
export const stop = (index: number): object => ({ type: 'content_block_stop', index })
export const MESSAGES_END = [
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
  { type: 'message_stop' },
]
export const NOTE = JSON.stringify({ text: MARK })

export const part = (more: object): object => ({ candidates: [{ content: { parts: [more] } }] })
