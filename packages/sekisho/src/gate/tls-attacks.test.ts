import { once } from 'node:events'
import type tls from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closed, talk } from './testing/rig.ts'
import { HOST, NOTHING_LEAKED, OTHER, rule, Scene } from './testing/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await Scene.start({ rules: [rule(), rule({ id: 'other', host: OTHER })] })
})
afterAll(() => scene.close())

type Handshake = {
  name: string
  options: Pick<tls.ConnectionOptions, 'servername' | 'ALPNProtocols'>
  rule: string
}

const handshakes: Handshake[] = [
  { name: 'no server name', options: { servername: '' }, rule: 'invariant.no-sni' },
  {
    name: 'the server name of another allowed host',
    options: { servername: OTHER },
    rule: 'invariant.sni-mismatch',
  },
  {
    name: 'a server name that no rule allows',
    options: { servername: 'evil.example' },
    rule: 'invariant.sni-mismatch',
  },
  { name: 'HTTP/3 alone', options: { ALPNProtocols: ['h3'] }, rule: 'invariant.alpn' },
]

test.for(handshakes)('$name: reset, recorded', async ({ options, rule: by }) => {
  const before = scene.rig.keyholder.deniedBy().length
  await expect(scene.rig.dialTls(HOST, options)).rejects.toThrow(/ECONNRESET|disconnected/)
  expect(scene.rig.keyholder.deniedBy().slice(before)).toEqual([by])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('plain HTTP to the TLS port is reset and recorded', async () => {
  const before = scene.rig.keyholder.deniedBy().length
  const socket = await scene.rig.dial(await scene.rig.resolve(HOST), 443)
  expect(await talk(socket, [`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`])).toBe('')
  expect(scene.rig.keyholder.deniedBy().slice(before)).toEqual(['invariant.tls-malformed'])
})

test.for([
  ['a literal address', '93.184.216.34', 443, 'invariant.literal-address'],
  ['a synthetic address that was never given out', '198.18.9.9', 443, 'invariant.literal-address'],
  ['another port of the resolver', '198.19.255.1', 80, 'invariant.literal-address'],
] as const)('%s is reset before a byte, and recorded', async ([, address, port, by]) => {
  const before = scene.rig.keyholder.intents().length
  const socket = await scene.rig.dial(address, port)
  await closed(socket)
  expect(scene.rig.keyholder.intents().slice(before)).toEqual([
    {
      type: 'action.intent',
      session: expect.any(String),
      id: expect.any(String),
      action: { kind: 'net.connect', transport: 'tcp', address, port, host: null },
      verdict: { kind: 'deny', rules: [by], reason: expect.any(String) },
      credentials: [],
      repeated: 0,
    },
  ])
})

test('a port that no rule opens is reset and recorded with the name', async () => {
  const address = await scene.rig.resolve(HOST)
  const before = scene.rig.keyholder.intents().length
  const socket = await scene.rig.dial(address, 22)
  await closed(socket)
  const [denial] = scene.rig.keyholder.intents().slice(before)
  expect(denial?.action).toEqual({
    kind: 'net.connect',
    transport: 'tcp',
    address,
    port: 22,
    host: HOST,
  })
  expect(denial?.verdict).toMatchObject({ kind: 'deny', rules: ['default'] })
})

test.for([
  [['http/1.1', 'h2'], 'h2'],
  [['h2'], 'h2'],
  [['http/1.1'], 'http/1.1'],
  [['h3', 'http/1.1'], 'http/1.1'],
] as const)('of %j, %s is agreed on', async ([offered, agreed]) => {
  const secure = await scene.rig.dialTls(HOST, { ALPNProtocols: [...offered] })
  expect(secure.alpnProtocol).toBe(agreed)
  expect(secure.authorized).toBe(true)
})

test('TLS 1.1 is not spoken', async () => {
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  await expect(scene.rig.dialTls(HOST, old)).rejects.toThrow(/protocol version|disconnected|RESET/i)
})

test('a host has one certificate per session, however many connections want it', async () => {
  await Promise.all(Array.from({ length: 5 }, () => scene.rig.dialTls(OTHER)))
  expect(scene.rig.keyholder.certified.filter((host) => host === OTHER)).toEqual([OTHER])
})

test('a TLS session is resumed in its own session and refused in another', async () => {
  const second = await Scene.start({ rules: [rule()] })
  try {
    const first = await scene.rig.dialTls(HOST)
    const ticket = once(first, 'session')
    first.write(`HEAD / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    const [session] = await ticket
    expect((await scene.rig.dialTls(HOST, { session })).isSessionReused()).toBe(true)
    const ca = second.rig.keyholder.ca.pem
    expect((await second.rig.dialTls(HOST, { session, ca })).isSessionReused()).toBe(false)
  } finally {
    await second.close()
  }
})

test('a version that is too old is refused, and that is recorded', async () => {
  const before = scene.leaked
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
  await expect(scene.rig.dialTls(HOST, old)).rejects.toThrow()
  await scene.rig.keyholder.until((keyholder) =>
    keyholder.deniedBy().includes('invariant.tls-handshake'),
  )
  expect(scene.leaked).toEqual(before)
})
