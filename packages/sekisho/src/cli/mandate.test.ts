import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeKey } from '../policy/operators.ts'
import { mandate } from './mandate.ts'
import { writeNewKey } from './operator-key-file.ts'
import { said } from './testing/said.ts'

const MANDATES = `version: 1
mandates:
  - id: letters # weekly
    for: [approver]
    rules: [send]
    maxUses: 3
    expires: "2027-01-31"
    reason: the weekly letter
`

let bundle = ''
let file = ''
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'sekisho-mandate-'))
  mkdirSync(join(bundle, 'mandates'))
  file = join(bundle, 'mandates/letters.yaml')
  writeFileSync(file, MANDATES)
  const key = writeKey(writeNewKey(join(bundle, 'aiko.key')).publicKey)
  writeFileSync(
    join(bundle, 'operators.yaml'),
    `version: 1\noperators:\n  - { name: aiko, key: "${key}" }\n`,
  )
  writeNewKey(join(bundle, 'eve.key'))
})
afterEach(() => rmSync(bundle, { recursive: true }))

test('an operator signs what is shown, once, and the file keeps every line', async () => {
  expect(await said(mandate, 'check', file, '--bundle', bundle)).toEqual({
    code: 1,
    out: ['letters: it takes the signatures of an operator, and has 0'],
    err: [],
  })
  const key = join(bundle, 'aiko.key')
  const { out } = await said(mandate, 'sign', file, '--key', key, '--bundle', bundle)
  expect(out).toContain('maxUses         3')
  expect(out.at(-1)).toBe('letters: signed')
  const after = readFileSync(file, 'utf8')
  expect(after.startsWith(MANDATES.trimEnd())).toBe(true)
  expect((await said(mandate, 'check', file, '--bundle', bundle)).code).toBe(0)
  await said(mandate, 'sign', file, '--key', key, '--bundle', bundle)
  expect(readFileSync(file, 'utf8')).toBe(after)
})

test.for<readonly [string, readonly string[], string]>([
  ['a stranger’s key', ['--key', 'eve.key'], 'PERMISSION_REQUIRED'],
  ['a mandate that is not there', ['--key', 'aiko.key', '--id', 'nope'], 'USAGE'],
])('%s signs nothing', async ([, [flag = '', key = '', ...rest], code]) => {
  const argv = ['sign', file, flag, join(bundle, key), ...rest, '--bundle', bundle]
  await expect(said(mandate, ...argv)).rejects.toMatchObject({ code })
  expect(readFileSync(file, 'utf8')).toBe(MANDATES)
})
