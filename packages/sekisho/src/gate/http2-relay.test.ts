import { once } from 'node:events'
import http2 from 'node:http2'
import { afterEach, expect, test } from 'vitest'
import { HOST, Scene } from './testing/scene.ts'

let scene: Scene
afterEach(async () => scene.close())

test('a request by HTTP/2 is decided and answered', async () => {
  scene = await Scene.start()
  const socket = await scene.rig.dialTls(HOST, { ALPNProtocols: ['h2'] })
  const session = http2.connect(`https://${HOST}`, { createConnection: () => socket })
  const stream = session.request({ ':path': '/a', 'x-a': '1' })
  const [headers] = await once(stream, 'response')
  stream.setEncoding('utf8')
  let text = ''
  for await (const part of stream) text += part
  expect(headers[':status']).toBe(200)
  expect(text).toBe('hello')
  session.close()
})
