import { closeSync, ftruncateSync, readFileSync, readSync, writeSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import {
  createEventCounter,
  createPipe,
  createSealedFile,
  createSocketPair,
  raiseEvent,
  takeEvents,
} from './pipes.ts'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000
const owned: number[] = []
afterEach(() => {
  for (const fd of owned.splice(0)) closeSync(fd)
})

function own<Fd extends number>(...fds: Fd[]): void {
  owned.push(...fds)
}

function flagsOf(fd: number): number {
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]
  return Number.parseInt(flags ?? '', 8) & (O_NONBLOCK | O_CLOEXEC)
}

function exchange(from: number, to: number): string {
  writeSync(from, 'over the wire')
  const into = Buffer.alloc(64)
  return into.toString('utf8', 0, readSync(to, into))
}

test.for([
  { nonBlocking: false, flags: O_CLOEXEC },
  { nonBlocking: true, flags: O_CLOEXEC | O_NONBLOCK },
])('a pipe and a pair with nonBlocking $nonBlocking close on exec', ({ nonBlocking, flags }) => {
  const pipe = createPipe({ nonBlocking })
  const pair = createSocketPair({ nonBlocking })
  const fds = [pipe.read, pipe.write, ...pair]
  own(...fds)
  expect(fds.map(flagsOf)).toEqual([flags, flags, flags, flags])
  expect(exchange(pipe.write, pipe.read)).toBe('over the wire')
  expect(exchange(pair[1], pair[0])).toBe('over the wire')
  expect(exchange(pair[0], pair[1])).toBe('over the wire')
})

test('a sealed file keeps its bytes, whoever holds it', () => {
  const content = Buffer.alloc(100_000, 'abc')
  const fd = createSealedFile('profile', content)
  own(fd)
  expect(readFileSync(`/proc/self/fd/${fd}`)).toEqual(content)
  expect(() => writeSync(fd, 'x', 0)).toThrow('EPERM')
  expect(() => ftruncateSync(fd, 0)).toThrow('EPERM')
  expect(flagsOf(fd)).toBe(O_CLOEXEC)
})

test('an event counter adds up, and is empty once taken', () => {
  const fd = createEventCounter()
  own(fd)
  raiseEvent(fd)
  raiseEvent(fd)
  expect([takeEvents(fd), takeEvents(fd)]).toEqual([2, 0])
})
