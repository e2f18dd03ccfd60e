import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { generateKeyPairSync, randomInt, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyholderToSupervisor, supervisorToKeyholder } from '../wire/keyholder.ts'
import { Peer } from '../wire/peer.ts'
import { ipcTransport, socketTransport } from '../wire/transport.ts'
import { endLeaf, intent, OTHER, outcome, SESSION, startLeaf } from './testing/leaves.ts'
import { connectGate, TestGate } from './testing/test-gate.ts'

const PACKAGES = join(import.meta.dirname, '../../..')
const CHILD = new URL('./testing/keyholder-child.ts', import.meta.url)
const VALUE = 'ghp_0123456789abcdefghijABCDEFGHIJ'
const binding = { name: 'GH', hosts: ['api.github.com'], port: 443, header: 'authorization' }

/** Prints what each attempt came to. */
const ATTEMPTS = `
  const codeOf = (attempt) => { try { attempt(); return 'done' } catch (error) { return error.code } }
  const said = {
    readOwn: codeOf(() => fs.readdirSync(${JSON.stringify(PACKAGES)} + '/verify')),
    read: codeOf(() => fs.readFileSync('/etc/passwd')),
    write: codeOf(() => fs.writeFileSync('/tmp/sekisho-keyholder-was-here', '')),
    execute: codeOf(() => child_process.execFileSync('true')),
    thread: codeOf(() => new worker_threads.Worker('', { eval: true })),
  }
  const say = (connect) => { console.log(JSON.stringify({ ...said, connect })); process.exit() }
  const thrown = codeOf(() => {
    const socket = net.connect(9, '127.0.0.1')
    socket.on('connect', () => say('done'))
    socket.on('error', (error) => say(error.code))
  })
  if (thrown !== 'done') say(thrown)
`

type Supervisor = Peer<typeof supervisorToKeyholder, typeof keyholderToSupervisor>
type Running = { child: ChildProcess; supervisor: Supervisor }

let stateDir = ''
let conflicts: unknown[] = []
let running: Running
beforeEach(async () => {
  conflicts = []
  stateDir = mkdtempSync(join(tmpdir(), 'sekisho-state-'))
  running = await start()
})
afterEach(async () => {
  await kill(running)
  rmSync(stateDir, { recursive: true })
})

test('a process with its permissions can read, write, run and reach nothing else', () => {
  const denied = 'ERR_ACCESS_DENIED'
  const said = execFileSync(process.execPath, [...permissions(), '-e', ATTEMPTS], {
    encoding: 'utf8',
  })
  expect(JSON.parse(said)).toEqual({
    readOwn: 'done',
    read: denied,
    write: denied,
    execute: denied,
    thread: denied,
    connect: denied,
  })
})

test('a session from its start to its end, over a socket handed to it', async () => {
  const { supervisor } = running
  const opened = await supervisor.call('session.open', {
    session: SESSION,
    secrets: [{ binding, value: VALUE }],
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  expect(opened.index).toBe(1)
  expect(opened.placeholders['GH']).toMatch(/^ghp_\d{10}[a-z]{10}[A-Z]{10}$/)
  const gate = await TestGate.attach(supervisor, stateDir)
  expect(await gate.record(intent('a', ['GH']), ['GH'])).toEqual({
    index: 3,
    credentials: { GH: VALUE },
  })
  expect(await gate.record(outcome('a'))).toEqual({
    index: 4,
    credentials: {},
  })
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  const issued = await gate.peer.call('certify', {
    session: SESSION,
    host: 'api.github.com',
    spki: key.export({ format: 'der', type: 'spki' }).toString('base64'),
  })
  const leaf = new X509Certificate(Buffer.from(issued.certificate, 'base64'))
  expect(leaf.verify(new X509Certificate(opened.caPem).publicKey)).toBe(true)
  expect(issued.notAfter).toBe(leaf.validToDate.getTime())
  expect(await supervisor.call('session.close', { session: SESSION, leaf: endLeaf })).toEqual({
    index: 5,
  })
  const status = await supervisor.call('status', {})
  expect(status).toEqual({
    logSize: 6,
    logKey: expect.stringMatching(/^sekisho\/log\/[0-9a-f]{16}\+[0-9a-f]{8}\+A/),
    degraded: ['software-key'],
    sessions: 0,
    policy: null,
  })
  expect(await supervisor.call('stop', {})).toEqual({})
  expect(await verifyLog(join(stateDir, 'log'), status.logKey)).toMatchObject({
    kind: 'sound',
    size: 6,
    open: [],
    unsealedBytes: 0,
  })
})

test('a gate cannot speak for the platform, for a session, or for a session that is not there', async () => {
  const { supervisor } = running
  await supervisor.call('session.open', {
    session: SESSION,
    secrets: [],
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  const gate = await TestGate.attach(supervisor, stateDir)
  const violation = { code: 'PROTOCOL_VIOLATION' }
  const gap = { type: 'gap' as const, session: SESSION, id: 'a', reason: 'x' }
  const breach = {
    type: 'limit.breach' as const,
    session: SESSION,
    limit: 'memory' as const,
    configured: 1,
    observed: 2,
    did: 'refused' as const,
  }
  for (const leaf of [
    startLeaf(SESSION),
    endLeaf,
    gap,
    breach,
    { type: 'platform.stop' as const, reason: 'x' },
  ]) {
    await expect(gate.record(leaf)).rejects.toMatchObject(violation)
  }
  await expect(gate.record({ ...intent('a'), session: OTHER })).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
  const elsewhere = { ...breach, session: OTHER, limit: 'egress-bytes' as const }
  await expect(gate.record(elsewhere)).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
  expect((await supervisor.call('status', {})).logSize).toBe(3)
})

test('a gate records the breach of a limit that it holds itself', async () => {
  const { supervisor } = running
  await supervisor.call('session.open', {
    session: SESSION,
    secrets: [],
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  const gate = await TestGate.attach(supervisor, stateDir)
  for (const limit of ['egress-bytes', 'egress-requests'] as const) {
    const numbers = { configured: 1, observed: 2, did: 'refused' as const }
    const leaf = { type: 'limit.breach' as const, session: SESSION, limit, ...numbers }
    await gate.record(leaf)
    await expect(gate.record(leaf, ['token'])).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    })
  }
  expect((await supervisor.call('status', {})).logSize).toBe(5)
})

test('a gate that breaks the protocol loses its channel; another goes on', async () => {
  const { supervisor } = running
  await supervisor.call('session.open', {
    session: SESSION,
    secrets: [],
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  const bad = await connectGate(supervisor, stateDir, 1)
  const good = await TestGate.attach(supervisor, stateDir)
  const closed = once(bad, 'close')
  socketTransport(bad).send({ id: 1, method: 'stop', params: {} })
  await closed
  expect((await good.record(intent('a'))).index).toBe(3)
})

test('gate.attach without a socket is refused', async () => {
  await expect(running.supervisor.call('gate.attach', { gate: 0 })).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
})

test('killed under load, it comes back with every record that it answered', async () => {
  const answered = new Map<number, string>()
  for (let run = 0; run < 6; run++) {
    const { supervisor, child } = running
    const leaf = run === 0 ? startLeaf(SESSION) : null
    await supervisor.call('session.open', {
      session: SESSION,
      secrets: [],
      leaf,
      printKey: null,
      gate: 0,
    })
    const gate = await TestGate.attach(supervisor, stateDir)
    let left = randomInt(1, 300)
    const exited = once(child, 'exit')
    const callers = Array.from({ length: 32 }, async (_, caller) => {
      for (let turn = 0; ; turn++) {
        const id = `${run}-${caller}-${turn}`
        const { index } = await gate.record(intent(id))
        answered.set(index, id)
        if (--left === 0) child.kill('SIGKILL')
      }
    })
    const ends = await Promise.allSettled(callers)
    expect(
      ends.every((end) => end.status === 'rejected' && end.reason.code === 'PEER_UNAVAILABLE'),
    ).toBe(true)
    await exited
    running = await start()
  }
  const { logKey } = await running.supervisor.call('status', {})
  expect(await verifyLog(join(stateDir, 'log'), logKey)).toMatchObject({ kind: 'sound', open: [] })
  const found = new Map<number, unknown>()
  for await (const { index, leaf } of readLeaves(join(stateDir, 'log')))
    found.set(index, leaf['id'])
  for (const [index, id] of answered) expect([index, found.get(index)]).toEqual([index, id])
})

/** As the daemon gives them: no network, no programs, no files but its own. */
function permissions(): string[] {
  const readable = [
    join(PACKAGES, 'sekisho'),
    join(PACKAGES, 'verify'),
    join(PACKAGES, '../node_modules'),
    stateDir,
  ]
  const read = readable.map((path) => `--allow-fs-read=${path}`)
  return ['--permission', ...read, `--allow-fs-write=${stateDir}`]
}

async function start(): Promise<Running> {
  const child = fork(CHILD, [stateDir], {
    execArgv: permissions(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  const supervisor = new Peer('keyholder', ipcTransport(child), {
    out: supervisorToKeyholder,
    in: keyholderToSupervisor,
    handlers: {
      'identity.conflict': (conflict) => {
        conflicts.push(conflict)
        return {}
      },
      'canary.hit': () => ({}),
    },
  })
  return { child, supervisor }
}

async function kill({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
