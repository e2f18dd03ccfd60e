import { expect, test } from 'vitest'
import { PinningResolver } from './resolver.ts'

const NO_UPSTREAMS = [] as const

function counting(answers: readonly (readonly string[])[]): {
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
    resolver: new PinningResolver(NO_UPSTREAMS, lookup, () => nowMs),
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
  const resolver = new PinningResolver(NO_UPSTREAMS, lookup, () => 0)
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
    [upstream],
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
