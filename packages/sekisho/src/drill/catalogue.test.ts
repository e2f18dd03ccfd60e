import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CATALOGUE } from './catalogue.ts'

const INSIDE = join(import.meta.dirname, 'inside')
const ids = CATALOGUE.map(({ id }) => id)

/**
 * The ids in the tables of the hostile scripts, from their text: they load what is mounted in a
 * sandbox only, and so cannot be loaded here.
 */
function idsInside(): string[] {
  const tables = readdirSync(INSIDE).map((name) => readFileSync(join(INSIDE, name), 'utf8'))
  return tables.flatMap((text) =>
    [...text.matchAll(/^ {2}'([a-z0-9-]+)':/gm)].map(([, id]) => id ?? ''),
  )
}

test('what is judged is what is tried, neither more nor less', () => {
  expect(idsInside().toSorted()).toEqual(ids.toSorted())
})

test('no attack is named twice', () => {
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(CATALOGUE.map(({ title }) => title)).size).toBe(ids.length)
})

test('there are at least forty attacks, from every side', () => {
  expect(ids.length).toBeGreaterThanOrEqual(40)
  const counts = Map.groupBy(CATALOGUE, ({ group }) => group)
  expect([...counts.keys()].toSorted()).toEqual([
    'credentials',
    'dns',
    'escape',
    'files',
    'host',
    'http',
    'log',
    'network',
    'ssrf',
  ])
  for (const [group, attacks] of counts) expect(attacks.length, group).toBeGreaterThanOrEqual(3)
})

test('ids and titles fit into a process title and a table', () => {
  for (const { id, title } of CATALOGUE) {
    expect(id).toMatch(/^[a-z0-9-]{1,15}$/) // the kernel keeps 15 characters of a process's name
    expect(title).toMatch(/^[\x20-\x7e]{3,60}$/)
  }
})
