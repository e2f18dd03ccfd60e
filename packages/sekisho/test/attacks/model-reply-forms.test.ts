import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { call, MESSAGES_BODY, messagesEvents } from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST, type Scene } from '../../src/gate/testing/scene.ts'
import { events, MARK, type Plays, RULES } from './model-provider.ts'

/** Replies in forms that nobody here looks into, and some client may: nothing of them reaches it. */

const makeScene = modelScenes()

async function send(plays: Plays): Promise<{ scene: Scene; reply: string }> {
  const scene = await makeScene({ tools: RULES })
  scene.canary.handler = plays
  return { scene, reply: await scene.rig.send(HOST, call(MESSAGES_BODY)) }
}

const said = messagesEvents(MARK)
const coded: Plays = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
  response.end(gzipSync(said.join('')))
}

const twoTypes: Plays = (_request, response) => {
  const types = ['application/json', 'text/event-stream'].flatMap((type) => ['content-type', type])
  response.writeHead(200, types)
  response.end(said.join(''))
}

test('allowed: events', async () => {
  const { reply } = await send(events(messagesEvents('ls')))
  expect(reply).toContain('"ls')
})

test.each<[string, Plays]>([
  ['of another type', events(said, { type: 'text/plain' })],
  ['of two types', twoTypes],
  ['in another character set', events(said, { type: 'text/event-stream; charset=utf-7' })],
])('a reply %s: refused, recorded, nothing reaches the client', async (_, plays) => {
  const { scene, reply } = await send(plays)
  expect(reply).toMatch(/^HTTP\/1\.1 403 /)
  expect(reply).not.toContain(MARK)
  await scene.rig.keyholder.until((keyholder) => keyholder.deniedBy().length > 0)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['llm.unreadable-reply'])
})

test('a reply that is coded is read in the clear: denied, recorded, nothing reaches the client', async () => {
  const { scene, reply } = await send(coded)
  expect(reply).not.toMatch(/content-encoding/i)
  expect(reply).not.toContain(MARK)
  await scene.rig.keyholder.until((keyholder) => keyholder.deniedBy().length > 0)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['no'])
})
