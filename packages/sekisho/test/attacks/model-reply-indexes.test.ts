import { expect, test } from 'vitest'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { events, MARK, sse } from './model-provider.ts'
import { chunk, delta, sender } from './model-reply-events.ts'

/** Calls under indexes that readers join pieces by: what leaves has one for each call. */

const send = sender(modelScenes())

const called = (index: number, [id, name]: [string, string], args?: object): object => {
  const text = args === undefined ? '' : JSON.stringify(args)
  const entry = { index, id, type: 'function', function: { name, arguments: text } }
  return chunk(delta({ tool_calls: [entry] }))
}
const END = chunk({ index: 0, delta: {}, finish_reason: 'tool_calls' })

/** As OpenAI's own reader joins pieces: by index, of two names or ids the last. */
function ranBy(reply: string): string[] {
  const calls = new Map<number, { id: string; name: string; args: string }>()
  for (const [, data = ''] of reply.matchAll(/^data: (\{.*\})$/gm)) {
    const event: {
      choices: {
        delta: {
          tool_calls?: {
            index: number
            id?: string
            function: { name?: string; arguments?: string }
          }[]
        }
      }[]
    } = JSON.parse(data)
    for (const { index, id, function: said } of event.choices[0]?.delta.tool_calls ?? []) {
      const before = calls.get(index) ?? { id: '', name: '', args: '' }
      const args = before.args + (said.arguments ?? '')
      calls.set(index, { id: id ?? before.id, name: said.name ?? before.name, args })
    }
  }
  return [...calls.values()].map(({ id, name, args }) => `${id} ${name} ${args}`)
}

test('indexes out of order around a denied call: each call leaves under its own', async () => {
  const all = [
    called(1, ['a', 'note'], { text: 'x' }),
    called(0, ['b', 'bash'], { command: MARK }),
    called(2, ['c', 'other']),
    END,
  ]
  const { reply, denied } = await send('chat', events([...sse(all), 'data: [DONE]\n\n']))
  expect(await denied()).toEqual(['no'])
  expect(ranBy(reply)).toEqual(['a note {"text":"x"}', 'c other '])
})

test.each<[string, object[], string[]]>([
  [
    'of one index, as gateways in front of Gemini send them',
    [called(0, ['a', 'note'], { n: 1 }), called(0, ['b', 'note'], { n: 2 })],
    ['a note {"n":1}', 'b note {"n":2}'],
  ],
  [
    'without ids, as Ollama and vLLM have sent them',
    [called(0, ['', 'note'], { n: 1 }), called(1, ['', 'bash'], { command: 'ls' })],
    [' note {"n":1}', 'call_sekisho_c_1 bash {"command":"ls"}'],
  ],
])('allowed: calls %s; each leaves as one that every reader finds', async (_, all, want) => {
  const { reply } = await send('chat', events([...sse([...all, END]), 'data: [DONE]\n\n']))
  expect(ranBy(reply)).toEqual(want)
})

test('a denied call of one index with another: denied, recorded, nothing of it reaches the client', async () => {
  const all = [called(0, ['a', 'note'], { n: 1 }), called(0, ['b', 'bash'], { command: MARK }), END]
  const { reply, denied } = await send('chat', events([...sse(all), 'data: [DONE]\n\n']))
  expect(await denied()).toEqual(['no'])
  expect(reply).not.toContain(MARK)
  expect(ranBy(reply)).toEqual(['a note {"n":1}'])
})
