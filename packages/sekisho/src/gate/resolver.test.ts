import { expect, test } from 'vitest'
import type { PrivateRange } from '../wire/egress.ts'
import { PinningResolver } from './resolver.ts'

const NO_PLACES = { upstreams: [], privateRanges: [] } as const

function counting(
  answers: readonly (readonly string[])[],
  privateRanges: readonly PrivateRange[] = [],
): {
  resolver: PinningResolver
  asked: string[]
  pass: (ms: number) => void
} {
  const asked: string[] = []
  let nowMs = 0
  const lookup = (host: string): Promise<readonly string[]> => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]
    asked.push(host)
    return answer === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(answer)
  }
  return {
    resolver: new PinningResolver({ upstreams: [], privateRanges }, lookup, () => nowMs),
    asked,
    pass: (ms) => {
      nowMs += ms
    },
  }
}

const pinned = (address: string, port = 443): unknown => ({
  kind: 'pinned',
  address,
  port,
  caPem: null,
})

test('asks once for many requests at a time, and again after five seconds', async () => {
  const { resolver, asked, pass } = counting([['93.184.216.34'], ['93.184.216.35']])
  const both = await Promise.all([resolver.pin('a.example', 443), resolver.pin('a.example', 80)])
  expect(both).toEqual([pinned('93.184.216.34'), pinned('93.184.216.34', 80)])
  pass(4999)
  await resolver.pin('a.example', 443)
  expect(asked).toHaveLength(1)
  pass(1)
  expect(await resolver.pin('a.example', 443)).toEqual(pinned('93.184.216.35'))
})

test('a name that is bound anew to a private address is refused when it is asked again', async () => {
  const { resolver, pass } = counting([['93.184.216.34'], ['127.0.0.1']])
  expect(await resolver.pin('a.example', 443)).toEqual(pinned('93.184.216.34'))
  pass(5000)
  expect(await resolver.pin('a.example', 443)).toEqual({
    kind: 'deny',
    rules: ['invariant.private-address'],
    reason: 'a.example resolves to 127.0.0.1, which is loopback',
  })
})

test('an address that could not be reached is asked for again', async () => {
  const { resolver } = counting([['93.184.216.34'], ['93.184.216.35']])
  await resolver.pin('a.example', 443)
  resolver.forget('a.example')
  expect(await resolver.pin('a.example', 443)).toEqual(pinned('93.184.216.35'))
})

test('a failure is not remembered', async () => {
  let isUp = false
  const lookup = (): Promise<readonly string[]> =>
    isUp ? Promise.resolve(['93.184.216.34']) : Promise.reject(new Error('no route'))
  const resolver = new PinningResolver(NO_PLACES, lookup, () => 0)
  await expect(resolver.pin('a.example', 443)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
  isUp = true
  expect(await resolver.pin('a.example', 443)).toEqual(pinned('93.184.216.34'))
})

test('a name without an address fails', async () => {
  const { resolver } = counting([[]])
  await expect(resolver.pin('a.example', 443)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
})

test('IPv4 is dialled where there is a choice', async () => {
  const { resolver } = counting([['2606:4700::1111', '93.184.216.34']])
  expect(await resolver.pin('a.example', 443)).toEqual(pinned('93.184.216.34'))
})

test("the operator's own upstream is dialled at its port only, without being asked for", async () => {
  const upstream = {
    host: 'a.example',
    port: 443,
    address: '10.0.0.1',
    dialPort: 8443,
    caPem: 'PEM',
  }
  const resolver = new PinningResolver(
    { upstreams: [upstream], privateRanges: [] },
    () => Promise.resolve(['10.0.0.1']),
    () => 0,
  )
  expect(await resolver.pin('a.example', 443)).toEqual({
    kind: 'pinned',
    address: '10.0.0.1',
    port: 8443,
    caPem: 'PEM',
  })
  expect(await resolver.pin('a.example', 80)).toMatchObject({ kind: 'deny' })
})

const OURS = [{ host: 'db.example', range: '10.1.0.0/16' }]

const denied = (host: string, address: string, is: string): unknown => ({
  kind: 'deny',
  rules: ['invariant.private-address'],
  reason: `${host} resolves to ${address}, which is ${is}`,
})

test('a name that is given a range is dialled there', async () => {
  const { resolver } = counting([['10.1.2.3', '10.1.255.255']], OURS)
  expect(await resolver.pin('db.example', 5432)).toEqual(pinned('10.1.2.3', 5432))
})

test('a name that is given a range may move to public addresses', async () => {
  const { resolver } = counting([['93.184.216.34', '10.1.2.3']], OURS)
  expect(await resolver.pin('db.example', 443)).toEqual(pinned('93.184.216.34'))
})

test('a range is for its one name, and not for names below it', async () => {
  const { resolver } = counting([['10.1.2.3']], OURS)
  for (const host of ['a.db.example', 'db.example.evil.example', 'example']) {
    expect(await resolver.pin(host, 443)).toEqual(denied(host, '10.1.2.3', 'private'))
  }
})

const OUTSIDE = ' and not in the range that the name is given'

test.for<[string, string[], string, string]>([
  ['another private network', ['10.2.0.1'], '10.2.0.1', 'private'],
  ['a second answer outside of it', ['10.1.2.3', '192.168.1.1'], '192.168.1.1', 'private'],
  ['loopback', ['127.0.0.1'], '127.0.0.1', 'loopback'],
  ['the metadata service', ['169.254.169.254'], '169.254.169.254', 'metadata'],
  ['its own address in the mapped form', ['::ffff:10.1.2.3'], '::ffff:10.1.2.3', 'embeds-ipv4'],
  ['its own address by NAT64', ['64:ff9b::a01:203'], '64:ff9b::a01:203', 'embeds-ipv4'],
  ['its own address by 6to4', ['2002:a01:203::1'], '2002:a01:203::1', 'embeds-ipv4'],
  ['its own address by Teredo', ['2001::f5fe:fdfc'], '2001::f5fe:fdfc', 'embeds-ipv4'],
  ['its own address by ISATAP', ['2600::5efe:a01:203'], '2600::5efe:a01:203', 'embeds-ipv4'],
  ['an address with a zone', ['fe80::1%eth0'], 'fe80::1%eth0', 'unparsed'],
  ['an address in octal', ['012.1.2.3'], '012.1.2.3', 'unparsed'],
])('a name that is given a range is denied with %s', async ([, answers, address, is]) => {
  const { resolver } = counting([answers], OURS)
  expect(await resolver.pin('db.example', 443)).toEqual(
    denied('db.example', address, `${is}${OUTSIDE}`),
  )
})

test.for([
  ['0.0.0.0/0', '127.0.0.1', 'loopback'],
  ['0.0.0.0/0', '169.254.169.254', 'metadata'],
  ['0.0.0.0/0', '169.254.7.7', 'link-local'],
  ['0.0.0.0/0', '198.18.0.9', 'benchmarking'],
  ['100.64.0.0/10', '100.100.100.200', 'metadata'],
  ['::/0', '::1', 'loopback'],
  ['::/0', 'fe80::1', 'link-local'],
  ['::/0', '::ffff:10.1.2.3', 'embeds-ipv4'],
  ['fd00::/8', 'fd00:ec2::254', 'metadata'],
] as const)('even a range of %s does not reach %s', async ([range, address, is]) => {
  const { resolver } = counting([[address]], [{ host: 'db.example', range }])
  expect(await resolver.pin('db.example', 443)).toEqual(
    denied('db.example', address, `${is}${OUTSIDE}`),
  )
})

test('a range that does not parse grants nothing', async () => {
  const { resolver } = counting([['10.1.2.3']], [{ host: 'db.example', range: '10.1.0.0' }])
  expect(await resolver.pin('db.example', 443)).toEqual(denied('db.example', '10.1.2.3', 'private'))
})

test('a name that is bound anew out of its range is refused when it is asked again', async () => {
  const { resolver, pass } = counting([['10.1.2.3'], ['10.9.9.9']], OURS)
  expect(await resolver.pin('db.example', 443)).toEqual(pinned('10.1.2.3'))
  pass(5000)
  expect(await resolver.pin('db.example', 443)).toEqual(
    denied('db.example', '10.9.9.9', `private${OUTSIDE}`),
  )
})
