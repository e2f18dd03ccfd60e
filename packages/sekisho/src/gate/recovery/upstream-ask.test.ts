import type { Dispatcher } from 'undici'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Pinned } from '../../flow/ports.ts'
import { conditionFor } from './read-fields.ts'
import { strongEtag } from './resource-state.ts'
import { askUpstream, type Reply } from './upstream-ask.ts'

const action = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'wiki.example.com',
  port: 443,
  path: '/page',
  query: null,
} as const
const pinned: Pinned = { kind: 'pinned', address: '127.0.0.1', port: 443, caPem: null }

class Controller implements Dispatcher.DispatchController {
  aborted = false
  paused = false
  reason: Error | null = null
  rawHeaders: string[] = []
  rawTrailers = []

  abort(reason: Error): void {
    this.aborted = true
    this.reason = reason
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }
}

type Upstream = (handler: Dispatcher.DispatchHandler, controller: Controller) => void

function readFrom(upstream: Upstream): { reading: Promise<Reply>; controller: Controller } {
  const controller = new Controller()
  const reading = askUpstream(
    { action, fields: [], body: null, pinned, isHttp2: false },
    {
      dispatcherFor: () => ({
        dispatch: (_options, handler) => {
          upstream(handler, controller)
          return true
        },
      }),
    },
  )
  return { reading, controller }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['before it answers', (): void => undefined],
  [
    'in the middle of its answer',
    (handler: Dispatcher.DispatchHandler, controller: Controller): void => {
      handler.onRequestStart?.(controller, null)
      handler.onResponseStart?.(controller, 200, {})
      handler.onResponseData?.(controller, Buffer.from('half'))
    },
  ],
])('a server that falls silent %s is given up in time', async (_, upstream) => {
  const { reading } = readFrom(upstream)
  await vi.advanceTimersByTimeAsync(20_000)
  expect(await reading).toMatchObject({ kind: 'broken', why: 'no whole reply in 20000 ms' })
})

test('a request that begins only after it was given up is broken off', async () => {
  let begin = (): void => undefined
  const { reading, controller } = readFrom((handler, own) => {
    begin = () => handler.onRequestStart?.(own, null)
  })
  await vi.advanceTimersByTimeAsync(20_000)
  await reading
  begin()
  expect(controller.aborted).toBe(true)
})

test('what is too long is broken off as soon as it is', async () => {
  const { reading, controller } = readFrom((handler, own) => {
    handler.onRequestStart?.(own, null)
    handler.onResponseStart?.(own, 200, {})
    for (let at = 0; at < 9; at++) handler.onResponseData?.(own, Buffer.alloc(1024 * 1024))
  })
  expect(await reading).toMatchObject({ why: 'a reply of more than 8388608 bytes' })
  expect(controller.aborted).toBe(true)
})

test.each([
  ['"v1"', '"v1"'],
  ['""', '""'],
  [' "v1" ', '"v1"'],
  ['W/"v1"', undefined],
  ['v1', undefined],
  ['"a"b"', undefined],
  ['"a', undefined],
  [`"${'x'.repeat(1023)}"`, undefined],
])('of the ETag %s the strong one is %s', (sent, etag) => {
  expect(strongEtag(['ETag', sent])).toBe(etag)
})

test.each([
  [null, undefined, null],
  [null, '*', null],
  ['"a"', undefined, '"a"'],
  ['"a"', ' * ', '"a"'],
  ['"a"', '"b", "a"', '"a"'],
  ['"a"', '"b"', null],
  ['"a"', 'W/"a"', null],
])('kept %s, asked %s: the condition becomes %s', (etag, own, condition) => {
  expect(conditionFor(etag, own)).toBe(condition)
})
