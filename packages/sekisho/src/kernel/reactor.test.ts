import { execFile } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { createEventCounter, raiseEvent, takeEvents } from './pipes.ts'
import { createReactor, FAILURE_PAUSE_MS } from './reactor.ts'

const errors: unknown[] = []
const owned: number[] = []
let reactor = createReactor({ onError: (error) => void errors.push(error) })

afterEach(() => {
  reactor.close()
  for (const fd of owned.splice(0)) closeSync(fd)
  errors.length = 0
  reactor = createReactor({ onError: (error) => void errors.push(error) })
})

function counter(): number {
  const fd = createEventCounter()
  owned.push(fd)
  return fd
}

/** One whole turn of the loop, with its poll phase. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve))
}

test('a descriptor calls back once for each time it becomes readable', async () => {
  const fd = counter()
  const seen: number[] = []
  let next = Promise.withResolvers<void>()
  reactor.watch(fd, () => {
    seen.push(takeEvents(fd))
    next.resolve()
  })
  await turn()
  expect(seen).toEqual([])
  raiseEvent(fd)
  raiseEvent(fd)
  await next.promise
  next = Promise.withResolvers()
  raiseEvent(fd)
  await next.promise
  await turn()
  expect(seen).toEqual([2, 1])
})

test('a descriptor stays silent until what its callback started has settled', async () => {
  const fd = counter()
  const work = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  let calls = 0
  reactor.watch(fd, () => {
    calls += 1
    if (calls === 1) return work.promise // nothing is read: still readable
    takeEvents(fd)
    second.resolve()
    return undefined
  })
  raiseEvent(fd)
  await turn()
  await turn()
  expect(calls).toBe(1)
  work.resolve()
  await second.promise
  await turn()
  expect(calls).toBe(2)
})

test('microtasks of a callback run in the same turn', async () => {
  const fd = counter()
  const order: string[] = []
  reactor.watch(fd, async () => {
    takeEvents(fd)
    await Promise.resolve()
    order.push('callback')
  })
  raiseEvent(fd)
  await turn()
  expect(order).toEqual(['callback'])
})

test.for([
  {
    name: 'a throw',
    fail: () => {
      throw new Error('broken')
    },
  },
  { name: 'a rejection', fail: () => Promise.reject(new Error('broken')) },
])('$name is reported and does not spin the loop', async ({ fail }) => {
  const fd = counter()
  const startedAt = performance.now()
  const third = Promise.withResolvers<void>()
  let calls = 0
  reactor.watch(fd, () => {
    calls += 1
    if (calls < 3) return fail()
    takeEvents(fd)
    third.resolve()
    return undefined
  })
  raiseEvent(fd)
  await third.promise
  expect(errors).toEqual([new Error('broken'), new Error('broken')])
  expect(performance.now() - startedAt).toBeGreaterThan(2 * FAILURE_PAUSE_MS - 5)
})

test('a watch that another callback of the same round has stopped is not called', async () => {
  const [first, second] = [counter(), counter()]
  const called: number[] = []
  const stops = [first, second].map((fd) =>
    reactor.watch(fd, () => {
      called.push(fd)
      for (const stop of stops) stop()
    }),
  )
  raiseEvent(first)
  raiseEvent(second)
  await turn()
  expect(called).toHaveLength(1)
})

test('a number in use again after unwatch and close belongs to its new watch alone', async () => {
  const old = createEventCounter()
  const called: string[] = []
  const stop = reactor.watch(old, () => void called.push('old'))
  raiseEvent(old)
  stop()
  closeSync(old)
  const fresh = counter()
  expect(fresh).toBe(old)
  reactor.watch(fresh, () => {
    takeEvents(fresh)
    called.push('fresh')
  })
  await turn()
  expect(called).toEqual([])
  raiseEvent(fresh)
  await turn()
  expect(called).toEqual(['fresh'])
})

test('a stop after the descriptor was closed is no error', () => {
  const fd = createEventCounter()
  const stop = reactor.watch(fd, () => undefined)
  closeSync(fd)
  stop()
  expect(errors).toEqual([])
})

test('a descriptor that cannot be polled is refused', () => {
  const fd = openSync('/etc/passwd', 'r')
  owned.push(fd)
  expect(() => reactor.watch(fd, () => undefined)).toThrow('epoll_ctl: EPERM')
})

test('after close nothing is called', async () => {
  const fd = counter()
  const called: number[] = []
  reactor.watch(fd, () => void called.push(fd))
  raiseEvent(fd)
  reactor.close()
  await turn()
  expect(called).toEqual([])
})

test('an open reactor keeps the process alive, a closed one lets it end', async () => {
  const program = `
    import { createReactor } from ${JSON.stringify(import.meta.resolve('./reactor.ts'))}
    import { createPipe } from ${JSON.stringify(import.meta.resolve('./pipes.ts'))}
    import { spawn } from 'node:child_process'
    const reactor = createReactor({ onError: (error) => { throw error } })
    const { read, write } = createPipe()
    spawn('true', { stdio: ['ignore', write, 'ignore'] }).unref()
    ;(await import('node:fs')).closeSync(write)
    reactor.watch(read, () => { console.log('pipe closed'); reactor.close() })`
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module-typescript', '-e', program])
  expect(stdout).toBe('pipe closed\n')
})
