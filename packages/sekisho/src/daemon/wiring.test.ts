import { expect, test } from 'vitest'
import { Wiring } from './wiring.ts'

/** What has come to pass by the time that nothing more can without an event from outside. */
async function afterwards(events: readonly string[]): Promise<readonly string[]> {
  await new Promise(setImmediate)
  return [...events]
}

const LONG_MS = 600_000

test('who comes before a process is wired waits until it is; who comes then does not', async () => {
  const wiring = new Wiring()
  const events: string[] = []
  for (const name of ['first', 'second']) {
    void wiring.whenDone(LONG_MS).then(() => events.push(name))
  }
  expect(await afterwards(events)).toEqual([])
  wiring.done()
  expect(await afterwards(events)).toEqual(['first', 'second'])
  void wiring.whenDone(LONG_MS).then(() => events.push('third'))
  expect(await afterwards(events)).toEqual(['first', 'second', 'third'])
})

test('who comes after its end waits for its successor', async () => {
  const wiring = new Wiring()
  const events: string[] = []
  wiring.done()
  wiring.lost()
  void wiring.whenDone(LONG_MS).then(() => events.push('resumed'))
  expect(await afterwards(events)).toEqual([])
  wiring.done()
  expect(await afterwards(events)).toEqual(['resumed'])
})

test('nobody waits longer than asked', async () => {
  await expect(new Wiring().whenDone(1)).resolves.toBe(undefined)
})
