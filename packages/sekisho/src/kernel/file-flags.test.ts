import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeAppendOnly } from './file-flags.ts'

let directory = ''
let file = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-flags-'))
  file = join(directory, 'segment.log')
  writeFileSync(file, 'first\n')
})

afterEach(() => {
  execFileSync('chattr', ['-a', file])
  rmSync(directory, { recursive: true })
})

test('an append-only file takes more at its end and nothing else, from root too', () => {
  expect(makeAppendOnly(file)).toBe(true)
  appendFileSync(file, 'second\n')
  expect(() => writeFileSync(file, 'forged\n')).toThrow('EPERM')
  expect(() => rmSync(file)).toThrow('EPERM')
  expect(readFileSync(file, 'utf8')).toBe('first\nsecond\n')
})

test('a second time changes nothing', () => {
  expect([makeAppendOnly(file), makeAppendOnly(file)]).toEqual([true, true])
})

test('a link is not followed', () => {
  const link = join(directory, 'link.log')
  symlinkSync(file, link)
  expect(() => makeAppendOnly(link)).toThrow('ELOOP')
})
