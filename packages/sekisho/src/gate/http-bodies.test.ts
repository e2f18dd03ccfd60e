import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HOST, head, NOTHING_LEAKED, Scene, STREAMING_RULES } from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start()
})
afterEach(() => scene.close())

test('bodies pass both ways, with a length or in chunks', async () => {
  scene.canary.handler = (request, response) => {
    const { body = '' } = scene.canary.requests.at(-1) ?? {}
    response.end(
      `${request.headers['content-length']} ${request.headers['transfer-encoding']} ${body}`,
    )
  }
  const sized = head('POST /x', `Host: ${HOST}`, 'Content-Length: 5')
  expect(await scene.rig.send(HOST, sized, 'ab', 'cde')).toContain('5 undefined abcde')
  const chunked = head('PUT /x', `Host: ${HOST}`, 'Transfer-Encoding: chunked')
  const reply = await scene.rig.send(HOST, chunked, '2\r\nab\r\n', '3\r\ncde\r\n0\r\n\r\n')
  expect(reply).toContain('5 undefined abcde') // it was whole before it left
})

test('a body that is longer than what is inspected does not leave', async () => {
  const upload = head('PUT /big', `Host: ${HOST}`, `Content-Length: ${9 * 1024 * 1024}`)
  expect(await scene.rig.send(HOST, upload)).toMatch(/^HTTP\/1\.1 403 /)
  const chunk = `${(1024 * 1024).toString(16)}\r\n${'a'.repeat(1024 * 1024)}\r\n`
  const chunked = head('PUT /big', `Host: ${HOST}`, 'Transfer-Encoding: chunked')
  const pieces = Array.from({ length: 9 }, () => chunk)
  expect(await scene.rig.send(HOST, chunked, ...pieces)).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(scene.rig.keyholder.deniedBy()).toEqual([
    'invariant.body-too-long',
    'invariant.body-too-long',
  ])
})

test('a long upload is streamed where a rule says so', async () => {
  await scene.close()
  scene = await Scene.start({ rules: STREAMING_RULES })
  const piece = 'a'.repeat(1024 * 1024)
  const sized = head('PUT /big', `Host: ${HOST}`, `Content-Length: ${16 * piece.length}`)
  const pieces = Array.from({ length: 16 }, () => piece)
  expect(await scene.rig.send(HOST, sized, ...pieces)).toContain('hello')
  expect(scene.canary.requests.map(({ body }) => body.length)).toEqual([16 * piece.length])
})

test('an upstream that answers before the upload is over is heard where it is streamed', async () => {
  await scene.close()
  scene = await Scene.start({ rules: STREAMING_RULES })
  const early = new Promise<void>((resolve) => {
    scene.canary.onHead = (request, response) => {
      response.writeHead(413, { connection: 'close' })
      response.end('too much', () => request.socket.destroySoon())
      resolve()
    }
  })
  const secure = await scene.rig.dialTls(HOST)
  secure.write(head('PUT /big', `Host: ${HOST}`, 'Content-Length: 1000000'))
  secure.write('a'.repeat(2000))
  await early
  const [reply] = await once(secure, 'data')
  expect(String(reply)).toMatch(/^HTTP\/1\.1 413 /)
})
