import { expect, test } from 'vitest'
import { HOST, NOTHING_LEAKED } from '../testing/scene.ts'
import { answering, call, messagesEvents } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

const start = modelScenes()

test.each([
  ['/v1alpha/auth_tokens'],
  ['/v1alpha/%61uth_tokens'],
  ['/v1/chatkit/sessions'],
  ['/v1/realtime/client_secrets'],
  ['/openai/realtimeapi/sessions'],
  ['/sts/v1.0/issueToken'],
])(
  'a key of the session makes no other at %s: denied, on record, and nothing leaves',
  async (path) => {
    const scene = await start()
    scene.canary.handler = answering(messagesEvents())
    const reply = await scene.rig.send(HOST, call({}, { path }))
    expect(reply).toMatch(/^HTTP\/1\.1 403 /)
    expect(scene.rig.keyholder.deniedBy()).toContain('llm.unreadable-path')
    expect(scene.leaked).toEqual(NOTHING_LEAKED)
  },
)
