import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import type { AwsPart } from '../wire/aws.ts'
import { Vault } from './vault.ts'

const HOSTS = ['sts.amazonaws.com', '*.example.com']
const NOW = Date.UTC(2026, 10, 23, 1, 2, 3)

function part(name: string, what: AwsPart['part'], value: string) {
  const aws = { of: 'a', part: what, region: null, service: null }
  return { binding: { name, hosts: HOSTS, port: 443, header: 'authorization', aws }, value }
}

const ID = part('a', 'id', 'AKIA0000000000000000')
const KEY = part('aws.a.key', 'key', 'made-up')

function release(names: string[], host: string) {
  const action: HttpRequestAction = {
    kind: 'http.request',
    scheme: 'https',
    method: 'GET',
    host,
    port: 443,
    path: '/',
    query: null,
  }
  return new Vault([ID, KEY], () => NOW).release(names, action)
}

test('what signs is for this day, and for the service that the host says', () => {
  const released = release(['a'], 'sts.amazonaws.com')
  if (released.kind === 'deny') throw new Error(released.reason)
  const values = [...released.values].map(([name, value]) => [name, value.reveal()])
  expect(values).toEqual([
    ['a', 'AKIA0000000000000000'],
    ['aws.a.signing', expect.stringMatching(/^20261123T010203Z\/us-east-1\/sts\/[0-9a-f]{64}$/)],
  ])
})

test.each([
  ['the secret key itself', ['aws.a.key'], 'sts.amazonaws.com'],
  ['what signs for a host whose service nobody knows', ['a'], 'x.example.com'],
])('%s is not released', (_name, names, host) => {
  expect(release(names, host)).toMatchObject({ kind: 'deny', rules: ['keyholder.binding'] })
})

test.each([
  ['without a secret key', [ID]],
  ['with an id that would say more than an id', [part('a', 'id', 'AKIA/x, y'), KEY]],
  ['with a token of two lines', [ID, KEY, part('aws.a.token', 'token', 'a\nb')]],
])('a key %s opens no session', (_name, secrets) => {
  expect(() => new Vault(secrets)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
