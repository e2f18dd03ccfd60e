import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { areDefaults, DEFAULTS_FILE, defaultPolicies } from './default-policies.ts'
import { readCedar } from './load-cedar.ts'
import { SCHEMA_TEXT } from './schema-text.ts'

const policyDirectory = join(import.meta.dirname, '../../../../policy')
const text = readFileSync(join(policyDirectory, DEFAULTS_FILE), 'utf8')

// when one of these is red, run scripts/write-default-policies.ts, twice after a change of the schema

test('what stands for policy/defaults.cedar is what Cedar’s library reads there', async () => {
  const read = await readCedar(new Map([[DEFAULTS_FILE, text]]))
  expect(read.problems).toEqual([])
  expect(defaultPolicies()).toEqual({ ...read, sources: new Map() })
  expect(read.policies.length).toBeGreaterThan(5)
})

test('what stands for policy/sekisho.cedarschema is that file', () => {
  expect(SCHEMA_TEXT).toBe(readFileSync(join(policyDirectory, 'sekisho.cedarschema'), 'utf8'))
})

test.for([
  ['no policies', {}, true],
  ['these', { [DEFAULTS_FILE]: text }, true],
  ['these with one character more', { [DEFAULTS_FILE]: `${text} ` }, false],
  ['these and others', { [DEFAULTS_FILE]: text, 'own.cedar': '' }, false],
  ['these under another name', { 'own.cedar': text }, false],
] as const)('a bundle with %s has the platform’s own: %o', ([, files, expected]) => {
  expect(areDefaults(new Map(Object.entries(files)))).toBe(expected)
})
