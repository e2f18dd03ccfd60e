import { closeSync, openSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { errnoOf } from './libc.ts'
import { readWindowSize, writeWindowSize } from './terminal.ts'

const ENOTTY = 25
const owned: number[] = []
afterEach(() => {
  for (const fd of owned.splice(0)) closeSync(fd)
})

function open(path: string): number {
  const fd = openSync(path, 'r+')
  owned.push(fd)
  return fd
}

test.for([
  { name: 'a size', set: { rows: 40, columns: 100 }, got: { rows: 40, columns: 100 } },
  {
    name: 'too large a size, clamped',
    set: { rows: 70_000, columns: 1 },
    got: { rows: 65_535, columns: 1 },
  },
  {
    name: 'no size, as zero',
    set: { rows: Number.NaN, columns: -3 },
    got: { rows: 0, columns: 0 },
  },
])('a terminal keeps $name', ({ set, got }) => {
  const terminal = open('/dev/ptmx')
  writeWindowSize(terminal, set)
  expect(readWindowSize(terminal)).toEqual(got)
})

test('what is no terminal has no size', () => {
  const notTerminal = open('/dev/null')
  for (const act of [
    () => readWindowSize(notTerminal),
    () => writeWindowSize(notTerminal, { rows: 1, columns: 1 }),
  ]) {
    let thrown: unknown
    try {
      act()
    } catch (error) {
      thrown = error
    }
    expect(errnoOf(thrown)).toBe(ENOTTY)
  }
})
