import { expect, test } from 'vitest'
import { call, MESSAGES_BODY, messagesEvents } from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST, type Scene } from '../../src/gate/testing/scene.ts'
import { events, MARK, RULES } from './model-provider.ts'

/** Replies that say one thing to the gate and, by how their bytes are read, another to a client. */

const makeScene = modelScenes()

async function start(): Promise<Scene> {
  return makeScene({ tools: RULES })
}

// where Python's `str.splitlines` ends a line, and with it readers of Gemini and Chat in Python
test.each(['\u2028', '\u2029', '\u0085', '\v', '\f', '\u001c', '\u001d', '\u001e'])(
  'a call in a comment that ends where some readers end a line (%j): nothing reaches the client',
  async (end) => {
    const scene = await start()
    const hidden = messagesEvents(MARK).join('').replaceAll('\n', end)
    scene.canary.handler = events([`: x${end}${hidden}\n\n`, ...messagesEvents()])
    const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
    expect(reply).toContain('I will look.')
    expect(reply).not.toContain(MARK)
  },
)

test('a call in a text that ends where some readers end a line: it stays a text', async () => {
  const scene = await start()
  const hidden = `\u2028${messagesEvents(MARK).join('').replaceAll('\n', '\u2028')}`
  const escaped = JSON.stringify(hidden).slice(1, -1)
  scene.canary.handler = events(
    messagesEvents().map((event) => event.replace('I will look.', escaped)),
  )
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(reply).not.toContain('\u2028')
  expect(reply).toContain('message_stop')
})
