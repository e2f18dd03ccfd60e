import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { bundleOf, DEFAULTS, PERMIT_ALL } from '../policy/decision/testing/bundle.ts'
import type { DecisionBundle, SessionDecision } from '../wire/decision.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { plainDecision } from './testing/decision.ts'
import { closed } from './testing/rig.ts'
import { get, head, HOST, NOTHING_LEAKED, OTHER, rule, Scene } from './testing/scene.ts'

const open: { close(): void }[] = []
let scene: Scene
afterEach(async () => {
  await scene.close()
  for (const server of open.splice(0)) server.close()
})

const ALL = bundleOf(PERMIT_ALL)
const RULES = [rule(), rule({ id: 'other', host: OTHER })]
const TCP = rule({ id: 'db', scheme: 'tcp', port: 5432 })

/** Puts a generation in force as the supervisor does. @returns what it ended */
async function change(
  bundle: DecisionBundle,
  over: Partial<SessionDecision> = {},
): Promise<number> {
  const { generation } = bundle
  const decision = { ...plainDecision(RULES), ...over, generation }
  await scene.rig.gate.call('policy.install', bundle)
  return (await scene.rig.gate.call('session.policy', { network: 1, decision })).closed
}

function verdicts(): string[] {
  return scene.rig.keyholder
    .intents()
    .filter(({ action }) => action.kind !== 'dns.resolve')
    .map(({ generation, verdict }) => `${generation} ${verdict.kind} ${verdict.rules.join(' ')}`)
}

test('the very next request is decided by the generation that was put in force', async () => {
  scene = await Scene.start({ rules: RULES, bundle: ALL })
  await scene.rig.send(HOST, get('/one'))
  const forbids =
    '@id("closed") forbid (principal, action == Sekisho::Action::"http.request", resource);'
  await change(bundleOf(PERMIT_ALL + forbids, { generation: 2 }))
  expect(await scene.rig.send(HOST, get('/two'))).toContain('403')
  await change(bundleOf(PERMIT_ALL, { generation: 3 }))
  expect(await scene.rig.send(HOST, get('/three'))).toContain('200')
  expect([verdicts(), arrived()]).toEqual([
    ['1 allow api', '2 deny closed', '3 allow api'],
    ['GET /one', 'GET /three'],
  ])
})

test('a rule that is gone from the agent file is gone for the session that runs', async () => {
  scene = await Scene.start({ rules: RULES, bundle: ALL })
  await change(bundleOf(PERMIT_ALL, { generation: 2 }), { policy: { rules: [] } })
  expect(await scene.rig.ask(HOST)).toMatchObject({ addresses: [] })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a user who is disabled does nothing from then on', async () => {
  scene = await Scene.start({ rules: RULES, bundle: ALL })
  const socket = await scene.rig.dialTls(HOST)
  const ended = closed(socket)
  const users = [{ name: 'alice', uid: 0, groups: [], enabled: false }]
  await change(bundleOf(PERMIT_ALL, { generation: 2, users }))
  let said = ''
  socket.on('data', (piece: Buffer) => (said += piece.toString()))
  socket.write(get('/'))
  await ended
  expect([said.slice(0, 12), verdicts(), arrived()]).toEqual([
    'HTTP/1.1 403',
    ['2 deny invariant.user-disabled'],
    [],
  ])
})

test('a generation that is not here changes nothing', async () => {
  scene = await Scene.start({ rules: RULES, bundle: ALL })
  const decision = { ...plainDecision([]), generation: 9 }
  const asked = scene.rig.gate.call('session.policy', { network: 1, decision })
  await expect(asked).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  expect(await scene.rig.send(HOST, get('/one'))).toContain('200')
})

function arrived(): string[] {
  return scene.canary.requests.map(({ method, url }) => `${method} ${url}`)
}

/** A server that speaks plain TCP, and a connection through the gate to it. */
async function openTunnel(
  bundle: DecisionBundle,
  rules: PolicyRule[],
  decision: Partial<SessionDecision> = {},
): Promise<net.Socket> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  const address = server.address()
  const dialPort = typeof address === 'object' ? (address?.port ?? 0) : 0
  const upstream = { host: HOST, port: 5432, address: '127.0.0.1', dialPort, caPem: null }
  scene = await Scene.start({ rules, bundle, decision, more: [upstream] })
  const socket = await scene.rig.dial(await scene.rig.resolve(HOST), 5432)
  socket.write('hello')
  await once(socket, 'data')
  return socket
}

test('a tunnel that the new generation forbids is closed, and recorded', async () => {
  const socket = await openTunnel(ALL, [...RULES, TCP])
  const ended = closed(socket)
  expect(await change(bundleOf(PERMIT_ALL, { generation: 2 }))).toBe(1)
  await ended
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(verdicts()).toEqual(['1 allow db', 'undefined deny invariant.policy-changed'])
})

test('a tunnel that both allow lives on', async () => {
  const socket = await openTunnel(ALL, [...RULES, TCP])
  const policy = { rules: [...RULES, TCP] }
  expect(await change(bundleOf(PERMIT_ALL, { generation: 2 }), { policy })).toBe(0)
  socket.write('again')
  expect(String(await once(socket, 'data'))).toBe('again')
})

const PRIVATE = { integrity: 'trusted', confidentiality: 'internal' } as const
const BEGINS = { begins: [{ what: 'workspace', label: PRIVATE }] }
const POST = head('POST /', `Host: ${HOST}`, 'Content-Length: 0')

test('after private data and untrusted content, the third does not happen by itself', async () => {
  scene = await Scene.start({ rules: RULES, bundle: bundleOf(DEFAULTS), decision: BEGINS })
  expect(await scene.rig.send(HOST, POST)).toContain('200')
  await scene.rig.send(OTHER, head('GET /', `Host: ${OTHER}`))
  expect(await scene.rig.send(HOST, POST)).toContain('403')
  expect([verdicts(), arrived()]).toEqual([
    ['1 allow api', '1 allow other', '1 deny rule-of-two'],
    ['POST /'],
  ])
})

test('what a host says that the operator trusts taints nothing', async () => {
  const hosts = [{ host: OTHER, ...PRIVATE, external: true, groups: [] }]
  scene = await Scene.start({
    rules: RULES,
    bundle: bundleOf(DEFAULTS, { hosts }),
    decision: BEGINS,
  })
  await scene.rig.send(OTHER, head('GET /', `Host: ${OTHER}`))
  expect(await scene.rig.send(HOST, POST)).toContain('200')
})

test('a stream that was open before is ended by what comes in', async () => {
  const hosts: DecisionBundle['hosts'] = [
    { host: HOST, integrity: 'trusted', confidentiality: 'public', external: true, groups: [] },
  ]
  const socket = await openTunnel(bundleOf(DEFAULTS, { hosts }), [...RULES, TCP], BEGINS)
  const ended = closed(socket)
  const fetched = await scene.rig.send(OTHER, head('GET /', `Host: ${OTHER}`))
  await ended
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 4)
  const denied = 'undefined deny invariant.label-changed'
  expect([fetched.slice(0, 12), verdicts()]).toEqual([
    'HTTP/1.1 200',
    ['1 allow db', '1 allow other', denied],
  ])
})

test('a tunnel whose own answers are a stranger’s is not opened beside private data', async () => {
  const opened = openTunnel(bundleOf(DEFAULTS), [...RULES, TCP], BEGINS)
  await expect(opened).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(verdicts()).toEqual(['1 deny rule-of-two'])
})
