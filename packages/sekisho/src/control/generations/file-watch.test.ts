import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import { FileWatch } from './file-watch.ts'

let looks: string[] = []
let reported: string[] = []
let look: () => Promise<void> = async () => undefined
let watch: FileWatch
beforeEach(() => {
  vi.useFakeTimers()
  looks = []
  reported = []
  look = async () => undefined
  const did = (what: string) => async (): Promise<void> => {
    looks.push(what)
    await look()
  }
  watch = new FileWatch({
    generations: { poll: did('poll'), compareFiles: did('compare') },
    report: (line) => reported.push(line),
  })
})
afterEach(() => {
  watch.close()
  vi.useRealTimers()
})

test('files are looked at at once, then every second, and read every twenty', async () => {
  watch.start()
  expect(looks).toEqual([])
  await vi.advanceTimersByTimeAsync(0)
  expect(looks).toEqual(['poll'])
  await vi.advanceTimersByTimeAsync(40_500)
  const readings = looks.flatMap((what, at) => (what === 'compare' ? [at + 1] : []))
  expect([looks.length, readings]).toEqual([41, [20, 40]])
})

test('every byte is read in its turn, however long each look takes', async () => {
  look = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500))
  }
  watch.start()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks.filter((what) => what === 'compare')).toEqual(['compare'])
})

test('a look that takes long is one, and does not pile up', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  look = () => promise
  watch.start()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(looks).toEqual(['poll'])
  resolve()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(looks).toEqual(['poll', 'poll'])
})

test('one that fails is told, and does not end the watch', async () => {
  look = () => Promise.reject(new SekishoError('PEER_UNAVAILABLE', 'the supervisor is not there'))
  watch.start()
  await vi.advanceTimersByTimeAsync(1_000)
  const line = 'the policy bundle is not looked at: the supervisor is not there'
  expect(reported).toEqual([line, line])
})

test('nothing is looked at after its end', async () => {
  watch.start()
  await vi.advanceTimersByTimeAsync(0)
  watch.close()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(looks).toEqual(['poll'])
})
