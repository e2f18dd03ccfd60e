import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frameReader, ipcTransport, MAX_FRAME_BYTES, socketTransport } from './transport.ts'

/** A socket that keeps what is written to it, one entry per write; `read` gives it input. */
class Wire extends Duplex {
  readonly writes: Buffer[] = []
  #wrote = Promise.withResolvers<void>()

  /** the next write from now on */
  get written(): Promise<void> {
    return this.#wrote.promise
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk)
    this.#wrote.resolve()
    this.#wrote = Promise.withResolvers()
    done()
  }
}

function messagesIn(bytes: Buffer): unknown[] {
  const messages: unknown[] = []
  const fail = (reason: string): never => {
    throw new Error(reason)
  }
  frameReader((body) => messages.push(JSON.parse(body.toString('utf8'))), fail)(bytes)
  return messages
}

const sent = (wire: Wire): unknown[][] => wire.writes.map(messagesIn)

test('what is sent in one turn leaves in one write, in order', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  const { written } = wire
  for (const message of ['a', { b: 'ö€𝄞' }, ['c']]) transport.send(message)
  await written
  expect(sent(wire)).toEqual([['a', { b: 'ö€𝄞' }, ['c']]])
})

test('a message that may wait leaves with the next one, and before it', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  transport.send('outcome', undefined, 60_000)
  await new Promise(setImmediate)
  expect(sent(wire)).toEqual([])
  const { written } = wire
  transport.send('intent')
  await written
  expect(sent(wire)).toEqual([['outcome', 'intent']])
})

test('a message that may wait leaves alone when no other comes', async () => {
  const wire = new Wire()
  const { written } = wire
  socketTransport(wire).send('outcome', undefined, 1)
  await written
  expect(sent(wire)).toEqual([['outcome']])
})

test('what was sent before a close still leaves; what comes after does not', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  transport.send('answer')
  transport.send('outcome', undefined, 60_000)
  transport.close()
  transport.send('late')
  await once(wire, 'close')
  expect(sent(wire)).toEqual([['answer', 'outcome']])
})

test('a reader that has stopped closes the channel, with what waits in memory counted', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  const closed = new Promise((resolve) => transport.onClose(resolve))
  const message = 'x'.repeat(MAX_FRAME_BYTES - 2)
  for (let count = 0; count < 4; count++) transport.send(message, undefined, 60_000)
  expect(await closed).toMatchObject({
    code: 'PROTOCOL_VIOLATION',
    message: 'the other side has stopped reading',
  })
})

test('a frame above the limit is not sent, and closes the channel', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  const closed = new Promise((resolve) => transport.onClose(resolve))
  transport.send('x'.repeat(MAX_FRAME_BYTES - 1))
  expect(await closed).toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  expect(wire.writes).toEqual([])
})

test('a frame that announces more than the limit closes the channel before its body', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  const closed = new Promise((resolve) => transport.onClose(resolve))
  const head = Buffer.alloc(4)
  head.writeUInt32BE(MAX_FRAME_BYTES + 1)
  wire.push(head)
  expect(await closed).toMatchObject({ message: `a frame of ${MAX_FRAME_BYTES + 1} bytes` })
})

test('frames are the same however the stream is cut', async () => {
  const wire = new Wire()
  const transport = socketTransport(wire)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat()),
      async (messages, cuts) => {
        wire.writes.length = 0
        const { written } = wire
        for (const message of messages) transport.send(message)
        await written
        const bytes = Buffer.concat(wire.writes)
        const read: unknown[] = []
        const take = frameReader(
          (body) => read.push(JSON.parse(body.toString('utf8'))),
          (reason) => read.push(reason),
        )
        const ends = [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)
        ends.forEach((end, index) => take(bytes.subarray(ends[index - 1] ?? 0, end)))
        expect(JSON.stringify(read)).toBe(JSON.stringify(messages))
      },
    ),
  )
})

test('a socket whose receiver dies before it has taken it closes when its sender lets go of it', async () => {
  const script = "process.on('message', () => undefined); process.send('ready')"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 2, 2, 'ipc'] })
  await once(child, 'message')
  const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = net.connect(address.port, address.address)
  const [socket]: net.Socket[] = await once(server, 'connection')
  child.kill('SIGSTOP')
  ipcTransport(child).send({ id: 1 }, socket)
  child.kill('SIGKILL')
  await once(child, 'exit')
  socket?.destroy()
  await once(client.resume(), 'close')
  server.close()
})
