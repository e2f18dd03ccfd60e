import { once } from 'node:events'
import { modelScenes } from '../testing/model-scenes.ts'
import type tls from 'node:tls'
import { expect, test } from 'vitest'
import { SekishoError } from '../../../core/error.ts'
import { FrameReader, writeFrame } from '../../websocket/frames.ts'
import { HOST, NOTHING_LEAKED, PLACEHOLDER, rule, type Scene } from '../../testing/scene.ts'

const MASK = Buffer.from([1, 2, 3, 4])
const CREATE = { type: 'response.create', model: 'gpt-test', store: false }
const makeScene = modelScenes()

async function start({ hasUpstreams = true } = {}): Promise<Scene> {
  const rules = [rule({ options: { effect: 'none', websocket: true } })]
  const more = { rules, decision: { policy: { rules } }, hasUpstreams }
  return makeScene({ api: 'responses', more })
}

async function open({ rig }: Scene): Promise<tls.TLSSocket> {
  const socket = await rig.dialTls(HOST)
  socket.write(
    `GET /v1/responses HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${PLACEHOLDER}\r\n\r\n`,
  )
  const [head] = await once(socket, 'data')
  if (!String(head).startsWith('HTTP/1.1 101 ')) throw new Error(String(head))
  return socket
}

const text = (message: string): Buffer =>
  writeFrame({ type: 'text', payload: Buffer.from(message) }, MASK)

/** What the gate says next, as messages. */
async function said(socket: tls.TLSSocket): Promise<string[]> {
  const [piece]: unknown[] = await once(socket, 'data')
  if (!Buffer.isBuffer(piece)) throw new TypeError('no bytes')
  return new FrameReader('server', 2 ** 20).push(piece).map(({ payload }) => payload.toString())
}

test('a call whose provider has no address is answered as failed, and so is the next', async () => {
  const scene = await start({ hasUpstreams: false })
  const socket = await open(scene)
  for (const input of ['go', 'go on']) {
    socket.write(text(JSON.stringify({ ...CREATE, input })))
    const [message = ''] = await said(socket)
    expect(JSON.parse(message)).toMatchObject({
      type: 'error',
      status: 502,
      error: { type: 'sekisho_upstream_failed' },
    })
  }
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a call that cannot be recorded does not leave, and the connection lives', async () => {
  const scene = await start()
  const socket = await open(scene)
  scene.rig.keyholder.beforeRecord = () => {
    throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
  }
  socket.write(text(JSON.stringify({ ...CREATE, input: 'go' })))
  const [message = ''] = await said(socket)
  expect(JSON.parse(message)).toMatchObject({ status: 503, error: { type: 'sekisho_unavailable' } })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a message of more values than anybody reads ends the connection', async () => {
  const scene = await start()
  const socket = await open(scene)
  const many = `[${'[],'.repeat(1_000_000)}[]]`
  socket.write(text(`{"type":"response.create","generate":false,"input":${many}}`))
  await once(socket, 'close')
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a client that says much and reads nothing is not listened to any more', async () => {
  const scene = await start()
  const socket = await open(scene)
  socket.pause()
  const pings = Buffer.concat(
    Array.from({ length: 4096 }, () =>
      writeFrame({ type: 'ping', payload: Buffer.alloc(125) }, MASK),
    ),
  )
  let taken = 0
  for (let isReady = true; isReady && taken < 64 * 2 ** 20; taken += pings.length) {
    isReady = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 1000)
      socket.write(pings, () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }
  expect(taken).toBeLessThan(64 * 2 ** 20)
  socket.destroy()
})

test('a session has so many WebSockets to models and no more; another client is told to do without', async () => {
  const scene = await start()
  const all: tls.TLSSocket[] = []
  for (let index = 0; index < 8; index += 1) all.push(await open(scene))
  await expect(open(scene)).rejects.toThrow('426')
  expect(scene.rig.keyholder.deniedBy()).toContain('invariant.upgrade')
  for (const socket of all) socket.destroy()
})
