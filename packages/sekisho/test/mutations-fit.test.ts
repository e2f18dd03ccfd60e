import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MUTATIONS } from './attacks/mutations/all.ts'

const SOURCES = join(import.meta.dirname, '../src')

// a text that has moved switches nothing off, and whoever runs the mutations hears of it last
test('every mechanism that a mutation switches off is where it says', () => {
  const astray = MUTATIONS.flatMap(({ off, edits }) =>
    edits
      .filter(({ file, find }) => !readFileSync(join(SOURCES, file), 'utf8').includes(find))
      .map(({ file, find }) => `${off}: ${file} has no ${find}`),
  )
  expect(astray).toEqual([])
})

test('every mutation names attacks that there are', () => {
  const families = new Set(MUTATIONS.map(({ family }) => family))
  const isThere = (family: string): boolean =>
    existsSync(join(import.meta.dirname, 'attacks', `${family}.test.ts`))
  expect([...families].filter((family) => !isThere(family))).toEqual([])
})
