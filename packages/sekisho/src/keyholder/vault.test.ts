import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { Action, HttpRequestAction } from '../core/action.ts'
import { Vault } from './vault.ts'

const request: HttpRequestAction = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'api.github.com',
  port: 443,
  path: '/',
  query: null,
}
const binding = {
  name: 'GH',
  hosts: ['api.github.com', '*.uploads.test'],
  port: 443,
  header: 'authorization',
}
const install: Action = {
  kind: 'package.install',
  ecosystem: 'npm',
  name: 'x',
  version: '1.0.0',
  scheme: 'https',
  host: 'api.github.com',
  port: 443,
  file: '/x/-/x-1.0.0.tgz',
}
const vault = new Vault([
  { binding, value: 'real-value' },
  { binding: { ...binding, name: 'OTHER', hosts: ['other.test'] }, value: 'other-value' },
  { binding: { ...binding, name: 'filter.f', under: '/v1/guard' }, value: 'filter-value' },
])

test.for<[string, Action]>([
  ['the host it is bound to', request],
  ['a name below a wildcard', { ...request, host: 'a.uploads.test' }],
  ['a name further below', { ...request, host: 'a.b.uploads.test' }],
  ['an install from it', install],
])('releases a secret for %s', ([, action]) => {
  const released = vault.release(['GH'], action)
  expect(released.kind === 'released' && released.values.get('GH')?.reveal()).toBe('real-value')
})

test('releases what is bound to paths below them alone', () => {
  const at = (path: string): string =>
    vault.release(['filter.f'], { ...request, method: 'POST', path }).kind
  expect([at('/v1/guard/apply'), at('/v1/guard:ask'), at('/v1/chat'), at('/')]).toEqual([
    'released',
    'released',
    'deny',
    'deny',
  ])
  // what a request means says nothing of its path
  expect(vault.release(['filter.f'], install).kind).toBe('deny')
})

test.for<[string, Action, string]>([
  [
    'another host',
    { ...request, host: 'evil.test' },
    'bound to api.github.com, *.uploads.test, not to evil.test',
  ],
  ['an install from another host', { ...install, host: 'evil.test' }, 'not to evil.test'],
  ['an install in the clear', { ...install, scheme: 'http' }, 'bound to https'],
  ['a name that ends alike', { ...request, host: 'xapi.github.com' }, 'not to xapi.github.com'],
  [
    'a name below an exact one',
    { ...request, host: 'x.api.github.com' },
    'not to x.api.github.com',
  ],
  ['the wildcard’s own name', { ...request, host: 'uploads.test' }, 'not to uploads.test'],
  [
    'an empty label below a wildcard',
    { ...request, host: '.uploads.test' },
    'not to .uploads.test',
  ],
  ['another case', { ...request, host: 'API.github.com' }, 'not to API.github.com'],
  ['plain HTTP', { ...request, scheme: 'http', port: 80 }, 'bound to https'],
  ['another port', { ...request, port: 8443 }, 'bound to port 443, not 8443'],
  [
    'another kind of action',
    { kind: 'dns.resolve', name: 'api.github.com', type: 'A' },
    'not to dns.resolve',
  ],
  [
    'a raw connection',
    {
      kind: 'net.connect',
      transport: 'tcp',
      address: '198.18.0.1',
      port: 443,
      host: 'api.github.com',
    },
    'not to net.connect',
  ],
])('keeps a secret from %s', ([, action, reason]) => {
  expect(vault.release(['GH'], action)).toEqual({
    kind: 'deny',
    rules: ['keyholder.binding'],
    secret: 'GH',
    reason: expect.stringContaining(reason),
  })
})

test('releases all that are named or none', () => {
  expect(vault.release(['GH', 'OTHER'], request)).toMatchObject({ kind: 'deny', secret: 'OTHER' })
  expect(vault.release(['GH', 'NOBODY'], request)).toMatchObject({ kind: 'deny', secret: 'NOBODY' })
  expect(vault.release(['__proto__'], request)).toMatchObject({ kind: 'deny' })
  expect(vault.release([], request)).toEqual({ kind: 'released', values: new Map() })
})

test('no value shows when the vault or what it released is printed', () => {
  const released = vault.release(['GH'], request)
  for (const one of [vault, released]) {
    expect(`${inspect(one, { depth: 9, showHidden: true })}${JSON.stringify(one)}`).not.toContain(
      'real-value',
    )
  }
})
