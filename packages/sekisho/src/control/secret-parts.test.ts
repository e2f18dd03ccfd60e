import { expect, test } from 'vitest'
import { secretParts } from './secret-parts.ts'

const ID = { kind: 'env', variable: 'ID' } as const
const KEY = { kind: 'env', variable: 'KEY' } as const
const TOKEN = { kind: 'file', path: '/token' } as const
const SECRET = { name: 'a', hosts: ['sts.amazonaws.com'], port: 443, from: ID }
const AWS = { secretKey: KEY, sessionToken: TOKEN, region: null, service: 'sts' }

test('a secret that is sent is one', () => {
  expect(secretParts({ ...SECRET, header: 'x-key', env: 'KEY', aws: null })).toEqual([
    {
      binding: { name: 'a', hosts: ['sts.amazonaws.com'], port: 443, header: 'x-key' },
      from: ID,
      variable: 'KEY',
    },
  ])
})

test('a key of AWS is its parts, each with the variable that clients read it from', () => {
  const parts = secretParts({ ...SECRET, header: null, env: 'MY_ACCESS_KEY_ID', aws: AWS })
  const told = parts.map(({ binding, from, variable }) => [binding.name, from, variable])
  expect(told).toEqual([
    ['a', ID, 'MY_ACCESS_KEY_ID'],
    ['aws.a.key', KEY, 'MY_SECRET_ACCESS_KEY'],
    ['aws.a.token', TOKEN, 'MY_SESSION_TOKEN'],
  ])
  expect(parts.map(({ binding }) => binding.aws)).toEqual([
    { of: 'a', part: 'id', region: null, service: 'sts' },
    { of: 'a', part: 'key', region: null, service: 'sts' },
    { of: 'a', part: 'token', region: null, service: 'sts' },
  ])
})

test('a lasting key has no token, and one without a variable has none', () => {
  const aws = { ...AWS, sessionToken: null }
  const parts = secretParts({ ...SECRET, header: null, env: null, aws })
  expect(parts.map(({ binding, variable }) => [binding.name, variable])).toEqual([
    ['a', null],
    ['aws.a.key', null],
  ])
})
