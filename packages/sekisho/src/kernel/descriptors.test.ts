import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listenForDescriptors, MAX_PAYLOAD_BYTES } from './descriptors.ts'
import { addressOf, bindFunction, libc } from './libc.ts'
import { listOpen } from './open-descriptors.ts'
import { createReactor, type Reactor } from './reactor.ts'

type Received = { payload: string; contents: string[] }

const connect = bindFunction<[fd: number, address: Uint8Array, length: number]>(
  'int connect(int, void *, uint32_t)',
)
const sendmsg = bindFunction<[fd: number, message: Uint8Array, flags: number]>(
  'long sendmsg(int, void *, int)',
)
const errors: unknown[] = []
const received: Received[] = []
const owned: number[] = []
let next = Promise.withResolvers<void>()
let directory = ''
let path = ''
let reactor: Reactor
let listener: { close(): void }
let openBefore = 0

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'descriptors-'))
  path = join(directory, 'socket')
  openBefore = countOpen()
  reactor = createReactor({
    onError: (error) => {
      errors.push(error)
      next.resolve()
    },
  })
  listener = listenForDescriptors(path, reactor, (payload, fds) => {
    received.push({ payload: payload.toString(), contents: fds.map(readAndClose) })
    next.resolve()
  })
  next = Promise.withResolvers()
})
afterEach(() => {
  vi.useRealTimers()
  for (const fd of owned.splice(0)) closeSync(fd)
  listener.close()
  reactor.close()
  rmSync(directory, { recursive: true })
  errors.length = 0
  received.length = 0
})

function countOpen(): number {
  return listOpen('socket:', '[eventpoll]', directory).length
}

const O_CLOEXEC = 0o2000000

function readAndClose(fd: number): string {
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  expect(Number.parseInt(flags ?? '', 8) & O_CLOEXEC).toBe(O_CLOEXEC)
  const text = readFileSync(fd, 'utf8')
  closeSync(fd)
  return text
}

function openFiles(count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const file = join(directory, `file-${i}`)
    writeFileSync(file, `content ${i}`)
    return openSync(file, 'r')
  })
}

function connectTo(target: string): number {
  const fd = libc.socket(1, 1 | O_CLOEXEC, 0)
  const address = Buffer.alloc(110)
  address.writeUInt16LE(1)
  address.write(target, 2)
  connect(fd, address, address.length)
  return fd
}

/** Sends one message and hangs up, as a runtime does. */
function send(payload: string, fds: number[]): void {
  const bytes = Buffer.from(payload)
  const control = Buffer.alloc(16 + Math.ceil(fds.length / 2) * 8)
  control.writeBigUInt64LE(BigInt(16 + 4 * fds.length), 0)
  control.writeInt32LE(1, 8)
  control.writeInt32LE(1, 12)
  for (const [i, fd] of fds.entries()) control.writeInt32LE(fd, 16 + 4 * i)
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(addressOf(bytes), 0)
  vector.writeBigUInt64LE(BigInt(bytes.length), 8)
  const message = Buffer.alloc(56)
  message.writeBigUInt64LE(addressOf(vector), 16)
  message.writeBigUInt64LE(1n, 24)
  if (fds.length > 0) {
    message.writeBigUInt64LE(addressOf(control), 32)
    message.writeBigUInt64LE(BigInt(control.length), 40)
  }
  const fd = connectTo(path)
  expect(sendmsg(fd, message, 0)).toBe(bytes.length)
  closeSync(fd)
  for (const sent of fds) closeSync(sent)
}

test('a descriptor arrives with its payload, and closes on exec', async () => {
  send('{"metadata":"session 1"}', openFiles(1))
  await next.promise
  expect(received).toEqual([{ payload: '{"metadata":"session 1"}', contents: ['content 0'] }])
  expect(errors).toEqual([])
})

test('only root may connect', () => {
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
})

test('four descriptors and the largest payload arrive whole', async () => {
  const payload = 'x'.repeat(MAX_PAYLOAD_BYTES)
  send(payload, openFiles(4))
  await next.promise
  const contents = ['content 0', 'content 1', 'content 2', 'content 3']
  expect(received).toEqual([{ payload, contents }])
})

test('a fifth descriptor and further ones are closed', async () => {
  send('many', openFiles(9))
  await next.promise
  expect(received[0]?.contents).toEqual(['content 0', 'content 1', 'content 2', 'content 3'])
  listener.close()
  reactor.close()
  expect(countOpen()).toBe(openBefore)
})

test.for([
  { name: 'a message without a descriptor', payload: 'none', fds: 0 },
  { name: 'more than 8192 bytes', payload: 'x'.repeat(MAX_PAYLOAD_BYTES + 1), fds: 2 },
])('$name is refused, and nothing stays open', async ({ name, payload, fds }) => {
  send(payload, openFiles(fds))
  await next.promise
  expect(errors).toMatchObject([{ code: 'PROTOCOL_VIOLATION', message: `a peer has sent ${name}` }])
  expect(received).toEqual([])
  listener.close()
  reactor.close()
  expect(countOpen()).toBe(openBefore)
})

test('a peer that says nothing is dropped, and the next one is served', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const silent = connectTo(path)
  owned.push(silent)
  await expect.poll(() => vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(5_000)
  await next.promise
  expect(errors).toMatchObject([{ code: 'TIMEOUT' }])
  expect(libc.recv(silent, Buffer.alloc(1), 1, 0)).toBe(0)
  next = Promise.withResolvers()
  send('after', openFiles(1))
  await next.promise
  expect(received).toEqual([{ payload: 'after', contents: ['content 0'] }])
})

test('more connections than fit wait for a place and are all served', async () => {
  const open = countOpen()
  owned.push(...Array.from({ length: 16 }, () => connectTo(path)))
  await expect.poll(() => countOpen()).toBe(open + 2 * 16) // both ends of each
  for (let i = 0; i < 4; i++) send(`message ${i}`, openFiles(1))
  for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve))
  expect(received).toEqual([])
  for (const fd of owned.splice(0)) closeSync(fd) // each is refused, for it has sent nothing
  await expect.poll(() => received.length).toBe(4)
  expect(received.map(({ payload }) => payload)).toEqual([
    'message 0',
    'message 1',
    'message 2',
    'message 3',
  ])
  expect(errors).toHaveLength(16)
})

test.for([
  { name: 'a path that is too long', target: () => `/tmp/${'x'.repeat(103)}`, error: 'path' },
  { name: 'a path that exists', target: () => path, error: 'bind: EADDRINUSE' },
])('$name is refused', ({ target, error }) => {
  const before = countOpen()
  expect(() => listenForDescriptors(target(), reactor, () => undefined)).toThrow(error)
  expect(countOpen()).toBe(before)
})

test('close leaves neither the path nor a descriptor behind', async () => {
  owned.push(connectTo(path))
  await expect.poll(() => countOpen()).toBe(openBefore + 4) // listener, epoll, both ends
  listener.close()
  listener.close()
  reactor.close()
  for (const fd of owned.splice(0)) closeSync(fd)
  expect({ open: countOpen(), left: readdirSync(directory) }).toEqual({
    open: openBefore,
    left: [],
  })
})
