import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SecretReference } from '../wire/control.ts'
import { readSecret, unrecognisable } from './secrets.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-secrets-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function reference(from: SecretReference['from']): SecretReference {
  const binding = { name: 'KEY', hosts: ['api.example.com'], port: 443, header: 'authorization' }
  return { binding, from, variable: null }
}

const inFile = (name: string): SecretReference => reference({ kind: 'file', path: join(dir, name) })

test.for([
  ['as it is', 'value', 'value'],
  ['without the line end that an editor adds', 'value\n', 'value'],
  ['without a line end of Windows', 'value\r\n', 'value'],
  ['with all but the last line end', 'a\nb\n\n', 'a\nb\n'],
  ['with its spaces', ' value ', ' value '],
] as const)('a value is read %s, from a variable and from a file', ([, text, value]) => {
  writeFileSync(join(dir, 'key'), text)
  expect(readSecret(inFile('key'), {}).reveal()).toBe(value)
  const variable = reference({ kind: 'env', variable: 'V' })
  expect(readSecret(variable, { V: text }).reveal()).toBe(value)
})

test('what is read shows itself nowhere', () => {
  const secret = readSecret(reference({ kind: 'env', variable: 'V' }), { V: 'sk-123' })
  expect([String(secret), JSON.stringify({ secret })].join()).not.toContain('sk-123')
})

test.for([
  ['not set', {}],
  ['empty', { V: '' }],
  ['a line end alone', { V: '\n' }],
] as const)(
  'a variable that is %s is SECRET_MISSING, and the hint says where to set it',
  ([, environment]) => {
    expect(() => readSecret(reference({ kind: 'env', variable: 'V' }), environment)).toThrow(
      expect.objectContaining({
        code: 'SECRET_MISSING',
        message: 'secret KEY: variable V of the daemon is not set or empty',
        hint: 'set V in the environment of `npm start` and start it again',
      }),
    )
  },
)

const missing = (cause: unknown): unknown =>
  expect.objectContaining({
    code: 'SECRET_MISSING',
    message: `secret KEY: ${join(dir, 'key')} cannot be read`,
    cause,
  })

test('a file that is not there is SECRET_MISSING', () => {
  expect(() => readSecret(inFile('key'), {})).toThrow(
    missing(expect.objectContaining({ code: 'ENOENT' })),
  )
})

test('a link is not followed: who may write its directory could point it anywhere', () => {
  writeFileSync(join(dir, 'real'), 'value')
  symlinkSync(join(dir, 'real'), join(dir, 'key'))
  expect(() => readSecret(inFile('key'), {})).toThrow(
    missing(expect.objectContaining({ code: 'ELOOP' })),
  )
})

test('a pipe in the place of the file does not hang the supervisor', () => {
  execFileSync('mkfifo', [join(dir, 'key')])
  expect(() => readSecret(inFile('key'), {})).toThrow(
    missing(new Error('it is not a regular file')),
  )
})

test('64 KiB are read, one byte more is refused', () => {
  writeFileSync(join(dir, 'key'), 'x'.repeat(65_536))
  expect(readSecret(inFile('key'), {}).reveal()).toHaveLength(65_536)
  writeFileSync(join(dir, 'key'), 'x'.repeat(65_537))
  expect(() => readSecret(inFile('key'), {})).toThrow(
    missing(new Error('it is longer than 65536 bytes')),
  )
})

test('secrets too short or too long to be recognised are named, others are not', () => {
  const secret = (name: string, value: string): { binding: { name: string }; value: string } => ({
    binding: { name },
    value,
  })
  const told = unrecognisable([
    secret('short', ' 1234567 '),
    secret('usual', '12345678'),
    secret('long', 'x'.repeat(16_385)),
  ])
  expect(told.map((line) => /the secret (\S+) cannot be recognised/.exec(line)?.[1])).toEqual([
    'short',
    'long',
  ])
})
