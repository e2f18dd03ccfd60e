import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRootSecret } from './root-secret.ts'

const SECRET = ['made', 'up'].join(' ')
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-secret-'))
  const write = (name: string, text: string, mode = 0o600): void =>
    writeFileSync(join(directory, name), text, { mode })
  write('whole', `${SECRET}\n`)
  write('two-lines', `${SECRET}\n\n`)
  write('open', SECRET, 0o640)
  write('empty', '\n')
  write('long', 'x'.repeat(1025))
  symlinkSync(join(directory, 'whole'), join(directory, 'link'))
  execFileSync('mkfifo', ['-m', '600', join(directory, 'fifo')])
})
afterAll(() => rmSync(directory, { recursive: true }))

test.for([
  ['a variable', (): string => 'env:P', SECRET],
  ['a file, without the end of its line', (): string => `file:${join(directory, 'whole')}`, SECRET],
  [
    'a file that has more lines',
    (): string => `file:${join(directory, 'two-lines')}`,
    `${SECRET}\n`,
  ],
  ['a credential of the service', (): string => 'credential:whole', SECRET],
] as const)('%s is read', ([, reference, value]) => {
  const environment = { P: SECRET, CREDENTIALS_DIRECTORY: directory }
  expect(readRootSecret(reference(), environment).reveal()).toBe(value)
})

test.for([
  ['a variable that is not set', (): string => 'env:NONE', 'SECRET_MISSING'],
  ['a file that is not there', (): string => `file:${join(directory, 'none')}`, 'SECRET_MISSING'],
  [
    'a file that others can read',
    (): string => `file:${join(directory, 'open')}`,
    'PERMISSION_REQUIRED',
  ],
  ['an empty file', (): string => `file:${join(directory, 'empty')}`, 'SECRET_MISSING'],
  ['a file that is too long', (): string => `file:${join(directory, 'long')}`, 'SECRET_MISSING'],
  ['a link', (): string => `file:${join(directory, 'link')}`, 'SECRET_MISSING'],
  [
    'a pipe that nobody writes to',
    (): string => `file:${join(directory, 'fifo')}`,
    'SECRET_MISSING',
  ],
  ['a directory', (): string => `file:${directory}`, 'SECRET_MISSING'],
  ['a credential outside of a service', (): string => 'credential:whole', 'SECRET_MISSING'],
] as const)('%s is refused', ([, reference, code]) => {
  expect(() => readRootSecret(reference(), {})).toThrow(expect.objectContaining({ code }))
})

test('a secret shows itself nowhere', () => {
  const secret = readRootSecret('env:P', { P: SECRET })
  expect([String(secret), JSON.stringify({ secret })].join()).not.toContain(SECRET)
})
