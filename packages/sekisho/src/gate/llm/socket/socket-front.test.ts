import { once } from 'node:events'
import type tls from 'node:tls'
import { expect, test } from 'vitest'
import { transcriptOf } from '../../../llm/hold/testing/transcript.ts'
import { FrameReader, writeFrame } from '../../websocket/frames.ts'
import { HOST, NOTHING_LEAKED, PLACEHOLDER, REAL, rule, type Scene } from '../../testing/scene.ts'
import { ARMOR, filterScene, GUARD, shield } from '../testing/filter-scene.ts'
import { answering, denyProgram, type ModelSceneOptions } from '../testing/model-scene.ts'
import { modelScenes } from '../testing/model-scenes.ts'

const MASK = Buffer.from([1, 2, 3, 4])
const makeScene = modelScenes()

const NO_FORBIDDEN = denyProgram('forbidden')

async function start({ llm = {}, more = {} }: ModelSceneOptions = {}): Promise<Scene> {
  const rules = [rule({ options: { effect: 'none', websocket: true } })]
  const policy = { rules, tools: NO_FORBIDDEN }
  return makeScene({ api: 'responses', llm, more: { ...more, rules, decision: { policy } } })
}

/** A client of the Responses API over a WebSocket. */
class Client {
  readonly #socket: tls.TLSSocket
  readonly #reader = new FrameReader('server', 2 ** 24)
  readonly #events: { type: string }[] = []
  #head = ''
  closed = false

  static async open({ rig }: Scene, key = `Bearer ${PLACEHOLDER}`): Promise<Client> {
    const socket = await rig.dialTls(HOST)
    const client = new Client(socket)
    socket.write(
      `GET /v1/responses HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: ${key}\r\n\r\n`,
    )
    while (!client.#head.includes('\r\n\r\n') && !client.closed) await once(socket, 'seen')
    return client
  }

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket
    socket.on('data', (piece: Buffer) => {
      this.#take(piece)
      socket.emit('seen')
    })
    socket.on('close', () => {
      this.closed = true
      socket.emit('seen')
    })
  }

  get status(): string {
    return this.#head.slice(0, 12)
  }

  send(message: unknown): void {
    const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
    this.#socket.write(writeFrame({ type: 'text', payload }, MASK))
  }

  /** All events up to one of this type. */
  async until(type: string): Promise<Record<string, unknown>[]> {
    while (!this.#events.some((event) => event.type === type) && !this.closed)
      await once(this.#socket, 'seen')
    const events: Record<string, unknown>[] = this.#events.map((event) => ({ ...event }))
    this.#events.length = 0
    return events
  }

  #take(piece: Buffer): void {
    if (this.#head.includes('\r\n\r\n')) return this.#read(piece)
    const text = this.#head + piece.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    this.#head = text
    if (this.status.endsWith('101') && end !== -1 && text.length > end + 4)
      this.#read(Buffer.from(text.slice(end + 4), 'latin1'))
  }

  #read(piece: Buffer): void {
    for (const { type, payload } of this.#reader.push(piece)) {
      if (type === 'text') this.#events.push(JSON.parse(payload.toString()))
    }
  }
}

function events(id: string, command: string): string[] {
  const item = {
    id: 'fc_1',
    type: 'function_call',
    status: 'completed',
    call_id: 'c1',
    name: 'shell',
    arguments: JSON.stringify({ command: ['bash', '-lc', command] }),
  }
  const response = { id, object: 'response', model: 'gpt-test', output: [] }
  const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 }
  const all = [
    {
      type: 'response.created',
      sequence_number: 0,
      response: { ...response, status: 'in_progress' },
    },
    {
      type: 'response.output_item.added',
      sequence_number: 1,
      output_index: 0,
      item: { ...item, status: 'in_progress', arguments: '' },
    },
    {
      type: 'response.function_call_arguments.delta',
      sequence_number: 2,
      item_id: 'fc_1',
      output_index: 0,
      delta: item.arguments,
    },
    {
      type: 'response.function_call_arguments.done',
      sequence_number: 3,
      item_id: 'fc_1',
      output_index: 0,
      arguments: item.arguments,
    },
    { type: 'response.output_item.done', sequence_number: 4, output_index: 0, item },
    {
      type: 'response.completed',
      sequence_number: 5,
      response: { ...response, status: 'completed', output: [item], usage },
    },
  ]
  return all.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
}

const create = (over: object): object => ({
  type: 'response.create',
  model: 'gpt-test',
  store: false,
  ...over,
})
const user = { type: 'message', role: 'user', content: 'go' }

test('each call of a WebSocket is posted whole, with the key, and told back event by event', async () => {
  const scene = await start()
  scene.canary.handler = answering(events('resp_1', 'ls'))
  const client = await Client.open(scene)
  expect(client.status).toBe('HTTP/1.1 101')
  client.send(create({ input: [user] }))
  const told = await client.until('response.completed')
  expect(told.map(({ type }) => type)).toContain('response.output_item.done')
  const result = { type: 'function_call_output', call_id: 'c1', output: 'a.txt' }
  client.send(create({ input: [result], previous_response_id: 'resp_1' }))
  await client.until('response.completed')
  const bodies = scene.canary.requests.map(({ body }) => Object(JSON.parse(body)))
  expect(bodies.map(({ input }) => input.map((item: { type: string }) => item.type))).toEqual([
    ['message'],
    ['message', 'function_call', 'function_call_output'],
  ])
  expect(bodies.map((body) => [body.stream, body.previous_response_id])).toEqual([
    [true, undefined],
    [true, undefined],
  ])
  expect(scene.canary.requests[0]?.rawHeaders.join('\n')).toContain(REAL)
})

test('a denied call never reaches the client', async () => {
  const scene = await start()
  scene.canary.handler = answering(events('resp_1', 'forbidden --now'))
  const client = await Client.open(scene)
  client.send(create({ input: [user] }))
  const told = JSON.stringify(await client.until('response.completed'))
  expect(told).not.toContain('forbidden')
  expect(told).toContain('[Sekisho]')
  expect(scene.rig.keyholder.deniedBy()).toContain('no')
})

test('what a filter of others refuses does not leave, and does not come back', async () => {
  const asking = await filterScene(start, { filters: [ARMOR], service: shield(true) })
  const client = await Client.open(asking)
  client.send(create({ input: [user] }))
  expect(JSON.stringify(await client.until('error'))).toContain('filter.armor')
  expect(asking.canary.bytes).toBe(0)
  const said = await filterScene(start, { filters: [GUARD], service: (_, to) => void to.end('{}') })
  const reply = transcriptOf('responses', [{ kind: 'text', pieces: ['what nobody is to read'] }])
  said.canary.handler = answering(reply.events)
  const other = await Client.open(said)
  other.send(create({ input: [user] }))
  const told = JSON.stringify(await other.until('response.completed'))
  expect(told).toContain('This reply was refused')
  expect(told).not.toContain('nobody is to read')
})

test('another key opens nothing', async () => {
  const scene = await start()
  const client = await Client.open(scene, 'Bearer sk-of-others')
  expect(client.status).toBe('HTTP/1.1 403')
  expect(scene.rig.keyholder.deniedBy()).toContain('invariant.foreign-key')
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('another key among the protocols opens nothing either, and is on record', async () => {
  const scene = await start()
  const protocols = 'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.sk-of-others'
  const client = await Client.open(scene, `Bearer ${PLACEHOLDER}\r\n${protocols}`)
  expect(client.status).toBe('HTTP/1.1 403')
  expect(scene.rig.keyholder.deniedBy()).toContain('invariant.foreign-key')
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('an error of the provider is a message', async () => {
  const scene = await start()
  scene.canary.handler = (_request, response) => {
    response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"code":"slow"}}')
  }
  const client = await Client.open(scene)
  client.send(create({ input: [user] }))
  expect(await client.until('error')).toEqual([
    { type: 'error', status: 429, error: { code: 'slow' } },
  ])
})

test('what is no call ends the connection, and nothing leaves', async () => {
  const scene = await start()
  const client = await Client.open(scene)
  client.send('{"type":"response.steal"}')
  await client.until('never')
  expect(client.closed).toBe(true)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
