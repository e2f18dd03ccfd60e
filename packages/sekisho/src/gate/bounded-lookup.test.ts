import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { boundLookup } from './bounded-lookup.ts'
import { PinningResolver } from './resolver.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const BOUNDS = { timeoutMs: 5000, maxAtOnce: 2, maxWaiting: 3 }

/** A resolver that answers when it is told to, and notes what it was asked. */
function scene(): {
  lookup: (host: string) => Promise<readonly string[]>
  asked: string[]
  answer: (host: string, found: readonly string[] | Error) => void
} {
  const asked: string[] = []
  const open = new Map<string, PromiseWithResolvers<readonly string[]>>()
  const never = (host: string): Promise<readonly string[]> => {
    asked.push(host)
    const question = Promise.withResolvers<readonly string[]>()
    open.set(host, question)
    return question.promise
  }
  const answer = (host: string, found: readonly string[] | Error): void => {
    if (found instanceof Error) open.get(host)?.reject(found)
    else open.get(host)?.resolve(found)
  }
  return { lookup: boundLookup(never, BOUNDS), asked, answer }
}

const timedOut = (host: string): object => ({
  code: 'UPSTREAM_FAILED',
  message: `${host} does not resolve: no answer in 5000 ms`,
  hint: expect.stringContaining('dnsServers'),
})

test('an answer in time is the answer, and no timer is left', async () => {
  const { lookup, answer } = scene()
  const found = lookup('a.example')
  answer('a.example', ['192.0.2.1'])
  expect(await found).toEqual(['192.0.2.1'])
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('a failure in time is the failure', async () => {
  const { lookup, answer } = scene()
  const found = lookup('a.example')
  answer('a.example', new Error('ENOTFOUND'))
  await expect(found).rejects.toThrow('ENOTFOUND')
})

test('a resolver that never answers is a failure that says so', async () => {
  const { lookup } = scene()
  const refused = expect(lookup('a.example')).rejects.toMatchObject(timedOut('a.example'))
  await vi.advanceTimersByTimeAsync(5000)
  await refused
})

test('no more than two questions are under way, also when nobody waits for them any more', async () => {
  const { lookup, asked, answer } = scene()
  const stuck = ['a', 'b', 'c'].map((host) =>
    expect(lookup(host)).rejects.toMatchObject(timedOut(host)),
  )
  await vi.advanceTimersByTimeAsync(5000)
  await Promise.all(stuck)
  const late = lookup('d')
  expect(asked).toEqual(['a', 'b'])
  answer('b', [])
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toEqual(['a', 'b', 'd'])
  answer('d', ['192.0.2.4'])
  expect(await late).toEqual(['192.0.2.4'])
})

test('callers take their turns in order, and one more than may wait is refused at once', async () => {
  const { lookup, asked, answer } = scene()
  const all = ['a', 'b', 'c', 'd', 'e'].map((host) => lookup(host))
  await expect(lookup('f')).rejects.toMatchObject({
    code: 'UPSTREAM_FAILED',
    message: 'f does not resolve: too many names are being resolved',
  })
  for (const host of ['a', 'b', 'c', 'd', 'e']) {
    answer(host, [host])
    await vi.advanceTimersByTimeAsync(1)
  }
  expect(await Promise.all(all)).toEqual([['a'], ['b'], ['c'], ['d'], ['e']])
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('the time-out is what the session’s resolver fails with, and it is asked again next time', async () => {
  const { lookup, asked, answer } = scene()
  const resolver = new PinningResolver({ upstreams: [], privateRanges: [] }, lookup, () =>
    Date.now(),
  )
  const refused = expect(resolver.pin('a.example', 443)).rejects.toMatchObject(
    timedOut('a.example'),
  )
  await vi.advanceTimersByTimeAsync(5000)
  await refused
  const again = resolver.pin('a.example', 443)
  expect(asked).toEqual(['a.example', 'a.example'])
  answer('a.example', ['93.184.216.34'])
  expect(await again).toMatchObject({ kind: 'pinned', address: '93.184.216.34' })
})
