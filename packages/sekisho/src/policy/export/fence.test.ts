import { expect, test } from 'vitest'
import { fenceOf } from './fence.ts'
import { inputOf, sample, sourceOf } from './testing/sample.ts'

const placesOf = (
  text: string,
): { open: string[]; dials: string[]; resolved: readonly string[] } => {
  const { endpoints, dials, resolved } = fenceOf(inputOf(sourceOf(text)))
  return {
    open: endpoints.map(({ scheme, host, port }) => `${scheme} ${host}:${port}`),
    dials: dials.map(({ host, cidr, ports }) => `${host} ${cidr} ${ports.join()}`),
    resolved,
  }
}

const agent = (...lines: string[]): string =>
  ['version: 1', 'name: docs-bot', ...lines, ''].join('\n')

test('what has expired and what a deny rule closes is in no fence', () => {
  const hosts = fenceOf(sample).endpoints.map(({ host }) => host)
  expect(hosts).toContain('x.example.org')
  expect(hosts).not.toContain('y.example.org')
  expect(hosts).not.toContain('bitbucket.org')
})

test('a deny rule over a wildcard closes the names and wildcards below it', () => {
  const text = agent(
    'rules:',
    '  - { id: a, effect: allow, host: a.b.example }',
    '  - { id: b, effect: allow, host: "*.b.example" }',
    '  - { id: c, effect: allow, host: b.example }',
    '  - { id: d, effect: deny, host: "*.b.example" }',
  )
  expect(placesOf(text).open).toEqual(['https b.example:443'])
})

test('a deny rule with a path or a method closes no place', () => {
  const text = agent(
    'rules:',
    '  - { id: a, effect: allow, host: a.example }',
    '  - { id: b, effect: deny, host: a.example, paths: [/x] }',
    '  - { id: c, effect: deny, host: a.example, methods: [POST] }',
  )
  expect(placesOf(text).open).toEqual(['https a.example:443'])
})

test('an upstream is dialled at its address and not by its name', () => {
  const text = agent(
    'rules:',
    '  - { id: a, effect: allow, host: a.example }',
    'upstreams:',
    '  - { host: a.example, address: 10.0.0.7, dialPort: 8443, reason: test }',
  )
  expect(placesOf(text)).toEqual({ open: [], dials: ['a.example 10.0.0.7/32 8443'], resolved: [] })
})

test('a private range is open at the ports of its name alone', () => {
  const text = agent(
    'rules:',
    '  - { id: a, effect: allow, host: a.example, ports: [443, 8443] }',
    '  - { id: b, effect: allow, host: b.example, ports: [9000] }',
    'privateRanges:',
    '  - { host: a.example, range: 10.2.0.0/16, reason: test }',
  )
  expect(placesOf(text).dials).toEqual(['a.example 10.2.0.0/16 443,8443'])
})

test.for([
  ['here', ['a.example', 'b.example', 'proxy.example']],
  ['proxy', ['b.example', 'proxy.example']],
] as const)(
  'behind a proxy that resolves %s only the proxy and its exceptions are dialled',
  ([resolve, resolved]) => {
    const text = agent(
      'rules:',
      '  - { id: a, effect: allow, host: a.example }',
      '  - { id: b, effect: allow, host: b.example }',
      `proxy: { host: proxy.example, port: 3128, resolve: ${resolve}, except: [b.example] }`,
    )
    expect(placesOf(text)).toEqual({
      open: ['https b.example:443', 'tcp proxy.example:3128'],
      dials: [],
      resolved,
    })
  },
)
