import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { Keys } from './keys.ts'
import { Standing } from './identity/standing.ts'
import { Session, type SessionSecret } from './session.ts'

const NOW = new Date()
const key = new Keys(Buffer.alloc(32, 7)).sessionAuthority('s-a')
const binding = { name: 'GH', hosts: ['api.github.com'], port: 443, header: 'authorization' }
const secrets = [{ binding, value: 'v' }]
const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ format: 'der', type: 'spki' })
  .toString('base64')

test.for([
  ['an upper-case host', [{ binding: { ...binding, hosts: ['API.github.com'] }, value: 'v' }]],
  ['a wildcard in the midst', [{ binding: { ...binding, hosts: ['a.*.test'] }, value: 'v' }]],
  ['a wildcard for everything', [{ binding: { ...binding, hosts: ['*'] }, value: 'v' }]],
  ['two of one name', [...secrets, ...secrets]],
] as const)('secrets with %s are refused', ([, list]) => {
  const given = list.map(({ binding: one, value }) => ({
    binding: { ...one, hosts: [...one.hosts] },
    value,
  }))
  expect(() => session(given)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})

test.for([
  'A.test',
  'a.test.',
  '*.a.test',
  'a..test',
  '',
  'fe80::1%lo',
  '1.2.3',
  'a\0.test',
  'a'.repeat(254),
])('no certificate is made for %j', (host) => {
  expect(() => session([]).certify(host, spki, NOW)).toThrow(
    expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
  )
})

test.for([
  ['another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey],
  ['another kind of key', generateKeyPairSync('ed25519').publicKey],
] as const)('no certificate is made over %s', ([, key]) => {
  const der = key.export({ format: 'der', type: 'spki' })
  expect(() => session([]).certify('a.test', der.toString('base64'), NOW)).toThrow(
    'want a P-256 key',
  )
})

test('no certificate is made over a key with bytes behind it', () => {
  const der = Buffer.concat([Buffer.from(spki, 'base64'), Buffer.from([0])]).toString('base64')
  expect(() => session([]).certify('a.test', der, NOW)).toThrow(
    expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
  )
})

test('actions under way at once are bounded', () => {
  const one = session([])
  for (let i = 0; i < 4096; i++) one.openIntent(`i${i}`)
  expect(() => one.openIntent('more')).toThrow('too many actions under way')
  one.closeIntent('i7')
  one.openIntent('more')
})

function session(list: readonly SessionSecret[]): Session {
  return new Session('s-a', { key, secrets: list, standing: new Standing(undefined), gate: 0 }, NOW)
}
