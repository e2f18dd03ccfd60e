import { expect, test } from 'vitest'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { events, MARK, sse } from './model-provider.ts'
import { chunk, delta, sender } from './model-reply-events.ts'

/** Pieces of a call behind lines that some readers take for the whole event. */

const send = sender(modelScenes())

const piece = (said: object): string =>
  sse([chunk(delta({ tool_calls: [{ index: 0, function: said }] }))]).join('')
const BEGIN = sse([
  chunk(
    delta({
      tool_calls: [{ index: 0, id: 'c0', function: { name: 'bash', arguments: '{"command":"' } }],
    }),
  ),
])
const END = [
  ...sse([chunk({ index: 0, delta: {}, finish_reason: 'tool_calls' })]),
  'data: [DONE]\n\n',
]

/** The arguments of the one call, to a reader whose events begin with their data, or are none. */
function argumentsByEvents(reply: string): string {
  const body = reply.slice(reply.indexOf('\r\n\r\n') + 4).replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '')
  const pieces = body.split('\n\n').flatMap((event) => {
    const found = /^data: .*"arguments":("(?:[^"\\]|\\.)*")/.exec(event)
    return found === null ? [] : [String(JSON.parse(found[1] ?? ''))]
  })
  return pieces.join('')
}

test.each([
  ['a comment', ': x\n'],
  ['an id', 'id: 1\n'],
  ['a time to wait', 'retry: 1\n'],
  ['an empty line', '\n'],
])('a piece behind %s, which some readers pass over: they run what was judged', async (_, line) => {
  const { reply } = await send(
    'chat',
    events([
      ...BEGIN,
      `${line}${piece({ arguments: "echo '" })}`,
      piece({ arguments: MARK }),
      `${line}${piece({ arguments: "'" })}`,
      piece({ arguments: '"}' }),
      ...END,
    ]),
  )
  expect(argumentsByEvents(reply)).toBe(`{"command":"echo '${MARK}'"}`)
})

test('allowed: comments between events', async () => {
  const { reply } = await send(
    'chat',
    events([...BEGIN, ': x\n\n', piece({ arguments: 'ls"}' }), ...END]),
  )
  expect(argumentsByEvents(reply)).toBe('{"command":"ls"}')
  expect(reply).toContain(': x\n\n')
})
