import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { PolicyRule } from '../wire/policy.ts'
import { closed } from './testing/rig.ts'
import { HOST, OUTSIDE_PEM, rule, Scene } from './testing/scene.ts'

const open: { close(): void }[] = []
let scene: Scene
afterEach(async () => {
  await scene.close()
  for (const server of open.splice(0)) server.close()
})

const TCP = rule({ id: 'db', scheme: 'tcp', port: 5432 })
/** made up, and only whole when it runs */
const TOKEN = ['glpat', '-A1b2C3d4E5f6G7h8J9k0'].join('')

/** Answers each piece with `echo `, and keeps what came. */
async function startEcho(): Promise<{ port: number; seen: () => string }> {
  let seen = ''
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (piece: Buffer) => {
      seen += piece.toString('latin1')
      socket.write(`echo ${piece.toString('latin1')}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  const address = server.address()
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, seen: () => seen }
}

async function start(rules: PolicyRule[], port: number, dialPort: number): Promise<Scene> {
  scene = await Scene.start({
    rules,
    more: [{ host: HOST, port, address: '127.0.0.1', dialPort, caPem: null }],
  })
  return scene
}

test('a connection by name to a tcp rule’s port is recorded, dialled and carried both ways', async () => {
  const { port, seen } = await startEcho()
  const { rig } = await start([TCP], 5432, port)
  const socket = await rig.dial(await rig.resolve(HOST), 5432)
  socket.write('hello\n')
  expect(String(await once(socket, 'data'))).toBe('echo hello\n')
  socket.end()
  await closed(socket)
  expect(seen()).toBe('hello\n')
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    action: { kind: 'net.connect', transport: 'tcp', host: HOST, port: 5432 },
    verdict: { kind: 'allow', rules: ['db'] },
  })
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'performed',
    address: '127.0.0.1',
    bytesOut: 6,
    bytesIn: 11,
  })
})

test.for([
  ['in one piece', [TOKEN]],
  ['at the end of a piece', [`x ${TOKEN}`]],
  ['cut in two', [TOKEN.slice(0, 20), TOKEN.slice(20)]],
] as const)('a secret %s cuts the connection, and never arrives whole', async ([, pieces]) => {
  const { port, seen } = await startEcho()
  const { rig } = await start([TCP], 5432, port)
  const socket = await rig.dial(await rig.resolve(HOST), 5432)
  const ended = closed(socket)
  for (const piece of pieces) {
    socket.write(piece)
    if (piece !== pieces.at(-1)) await once(socket, 'data')
  }
  await ended
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.secret.gitlab-pat'])
  expect(seen()).not.toContain(TOKEN)
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({ code: 'DATA_STOPPED' })
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(TOKEN)
})

test('without a rule for its port a connection is refused', async () => {
  const { port, seen } = await startEcho()
  const { rig } = await start([rule()], 5432, port)
  const socket = await rig.dial(await rig.resolve(HOST), 5432)
  await closed(socket)
  expect(rig.keyholder.deniedBy()).toEqual(['default'])
  expect(seen()).toBe('')
})

const PASSED = rule({ id: 'pinned', scheme: 'tls' })

test('TLS that a rule passes through is not read, and its leaf says so', async () => {
  scene = await Scene.start({ rules: [PASSED] })
  const { rig } = scene
  const raw = await rig.dial(await rig.resolve(HOST), 443)
  const secure = tls.connect({ socket: raw, servername: HOST, ca: OUTSIDE_PEM })
  await once(secure, 'secureConnect')
  expect(secure.getPeerCertificate().subject.CN).toBe(HOST)
  secure.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`)
  const [reply] = await once(secure, 'data')
  expect(String(reply)).toMatch(/^HTTP\/1\.1 200/)
  secure.destroy()
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    action: { kind: 'net.connect', host: HOST, port: 443 },
    uninspected: 'TLS passed through unread, by pinned',
  })
  expect(rig.keyholder.certified).toEqual([])
})

test.for([
  ['another name', 'other.example.com', 'invariant.sni-mismatch'],
  ['no name', undefined, 'invariant.no-sni'],
] as const)('of TLS to pass through, a hello for %s is refused', async ([, servername, by]) => {
  scene = await Scene.start({ rules: [PASSED] })
  const { rig } = scene
  const raw = await rig.dial(await rig.resolve(HOST), 443)
  const secure = tls.connect({ socket: raw, ...(servername === undefined ? {} : { servername }) })
  secure.on('error', () => undefined)
  await closed(secure)
  expect(rig.keyholder.deniedBy()).toEqual([by])
  expect(scene.leaked).toEqual({ connections: 0, bytes: 0 })
})
