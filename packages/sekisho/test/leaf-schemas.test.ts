import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LeafInput } from '../src/wire/leaves.ts'
import { leafSchemaFiles } from './leaf-schema-files.ts'

const DIRECTORY = join(import.meta.dirname, '../../../docs/leaves')

test('docs/leaves has the schema of every type of leaf, as the code checks it', () => {
  const written = readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.json'))
    .map((name) => [name, readFileSync(join(DIRECTORY, name), 'utf8')])
  // after a change: node scripts/write-leaf-schemas.ts
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(leafSchemaFiles()))
})

test('no type of leaf takes a field that it does not name', () => {
  const open = leafSchemaFiles().filter(
    ([, text]) => !text.includes('"additionalProperties": false'),
  )
  expect(open).toEqual([])
})

test('no type of leaf has a field of its own where the keyholder puts its stamps', () => {
  const stamps = ['v', 'at', 'clock', 'state', 'sig', 'identity']
  const taken = LeafInput.options.flatMap(({ shape }) =>
    stamps.filter((stamp) => Object.hasOwn(shape, stamp)).map((stamp) => [shape.type.value, stamp]),
  )
  expect(taken).toEqual([])
})
