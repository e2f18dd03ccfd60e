import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { seen, type Shown, signAnswer } from '../../src/cli/approvals-sign.ts'
import { connect } from '../../src/cli/client.ts'
import { type OperatorKey, writeNewKey } from '../../src/cli/operator-key-file.ts'
import type { ApprovalKind } from '../../src/core/label.ts'
import { pathsFrom } from '../../src/daemon/paths.ts'
import { writeKey } from '../../src/policy/operators.ts'
import { api } from '../../src/wire/api.ts'
import type { SignedApproval } from '../../src/wire/approval.ts'
import type { Peer } from '../../src/wire/peer.ts'
import { type Client, type Instance, openInstance, startRun } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const PEOPLE = ['aiko', 'ben', 'uma'] as const
type Person = (typeof PEOPLE)[number]

let directory: string
let upstream: Upstream
let instance: Instance
let peer: Peer<typeof api>
const keys = new Map<Person, OperatorKey>()
const key = (name: Person): OperatorKey => keys.get(name) ?? fail(`no key of ${name}`)
const fileOf = (name: Person): string => join(directory, `${name}.key`)

function fail(why: string): never {
  throw new Error(why)
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-approvals-'))
  for (const name of PEOPLE) keys.set(name, writeNewKey(fileOf(name)))
  upstream = await startUpstream(directory)
  const base = clientAgent(upstream)
  const rule = { effect: 'allow', host: UPSTREAM_HOST }
  const rules = [
    { ...rule, id: 'send', methods: ['POST'], paths: ['/high/**'], consequence: 'high' },
    { ...rule, id: 'pay', methods: ['POST'], paths: ['/critical/**'], consequence: 'critical' },
  ]
  const agent = typeof base === 'object' ? { ...base, rules } : fail('no agent')
  instance = await openInstance({
    agents: { client: agent },
    bundle: {
      'operators.yaml': operatorsFile(),
      'users.yaml': usersFile(true),
      'approvals.yaml': { version: 1, timeout: '60s' },
    },
  })
  await putInForce()
  peer = await connect(pathsFrom(instance.env).apiSocket, api)
})
afterAll(async () => {
  peer?.close()
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

function operatorsFile(): unknown {
  const operators = (['aiko', 'ben'] as const).map((name) => ({
    name,
    key: writeKey(key(name).publicKey),
  }))
  return { version: 1, operators }
}

function usersFile(enabled: boolean): unknown {
  return {
    version: 1,
    users: [{ name: 'uma', uid: 0, enabled, key: writeKey(key('uma').publicKey) }],
  }
}

async function changeFile(name: string, content: unknown): Promise<void> {
  await writeFile(join(instance.home, 'policy', name), stringify(content))
  await putInForce()
}

/** Two operators sign what lies there: then any change may come into force. */
async function putInForce(): Promise<void> {
  for (const name of ['aiko', 'ben'] as const) {
    await sekisho('policy', 'sign', join(instance.home, 'policy'), '--key', fileOf(name))
  }
  await sekisho('policy', 'reload')
}

async function sekisho(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await instance.sekisho(...argv)
  if (code !== 0) throw new Error(`sekisho ${argv.join(' ')}: ${stderr}`)
  return stdout
}

/** Says how it was answered, and stays until its stdin ends: its session goes on. */
const SEND = `
const [path, body] = process.argv.slice(1)
process.stdin.resume()
const request = require('node:https').request(
  { host: '${UPSTREAM_HOST}', path, method: 'POST', agent: false },
  (reply) => reply.resume().on('end', () => console.log('status ' + reply.statusCode)),
)
request.on('error', (error) => console.log('status ' + error))
request.end(body)
`

type Asked = { client: Client; path: string; shown: Shown }

function start(path: string, body: string): Client {
  const client = startRun(instance, ['/opt/node/node', '-e', SEND, path, body], {
    flags: ['--agent', 'client'],
  })
  clients.push(client)
  return client
}

/** An agent sends something that waits; resolves when it does. */
async function send(path: string, body: string): Promise<Asked> {
  const before = new Set(await waiting())
  const client = start(path, body)
  for (;;) {
    const id = (await waiting()).find((one) => !before.has(one))
    if (id !== undefined)
      return { client, path, shown: seen(await peer.call('approvals.show', { id })) }
    const ended = await Promise.race([client.ended, pass(20)])
    if (ended === undefined && !client.said().includes('status ')) continue
    throw new Error(`it did not wait: ${JSON.stringify(ended ?? client.said())}`)
  }
}

async function waiting(): Promise<string[]> {
  return (await peer.call('approvals.list', {})).holds.map(({ id }) => id)
}

function sign(
  shown: Shown,
  by: Person,
  {
    kind = 'approver',
    answer = 'approve',
  }: { kind?: ApprovalKind; answer?: 'approve' | 'deny' } = {},
): SignedApproval {
  return signAnswer({ shown, kind, answer, key: key(by), note: '', now: new Date() })
}

async function refusedFor(signed: SignedApproval): Promise<string> {
  const result = await peer.call('approvals.answer', signed)
  return result.kind === 'refused' ? result.why : result.kind
}

/** What the log says of a session: each leaf's type, and why. */
async function told(session: string): Promise<string[]> {
  const lines = (await sekisho('log', 'show', '--session', session, '--json')).trim().split('\n')
  return lines.flatMap((line) => {
    const { leaf } = JSON.parse(line)
    const { type, why, result, verdict } = leaf
    if (!/^action\.(?:held|intent)|^approval/.test(type)) return []
    if (type === 'action.intent' && leaf.action.kind !== 'http.request') return []
    return [[type, verdict?.kind ?? result, why].filter((part) => part != null).join(' ')]
  })
}

/** How the agent was answered; its session goes on. */
async function statusOf({ client }: Pick<Asked, 'client'>): Promise<string> {
  await client.says('status ')
  return /status (.*)/.exec(client.said())?.[1] ?? ''
}

/** Nobody’s yes: the agent is refused, and not one byte of it left. */
async function expectStopped(asked: Pick<Asked, 'client' | 'path'>): Promise<void> {
  expect(await statusOf(asked)).toBe('403')
  expect(upstream.arrived()).not.toContain(asked.path)
}

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients) client.process.stdin?.end()
  await Promise.all(clients.splice(0).map(({ ended }) => ended))
})

describe('an action that waits', () => {
  test('leaves when an operator has approved exactly it, with its client alive all the while', async () => {
    const asked = await send('/high/ok', 'hello')
    const { id } = asked.shown.held
    expect(upstream.arrived()).not.toContain(asked.path)
    expect(await sekisho('approvals', 'list')).toMatch(new RegExp(`${id} +client +uma +approver`))
    const text = await sekisho('approvals', 'show', id)
    expect(text).toContain(`POST https://${UPSTREAM_HOST}/high/ok`)
    expect(text).toContain('| hello')
    expect(text).toContain(asked.shown.digest)
    const flags = ['--digest', asked.shown.digest, '--key', fileOf('aiko')]
    const approved = await sekisho('approvals', 'approve', id, ...flags)
    expect(approved).toContain('approved')
    expect(await statusOf(asked)).toBe('200')
    expect(upstream.arrived()).toContain(asked.path)
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.answer approved',
      'action.intent allow',
    ])
  })

  test('takes the user and an operator where both are asked, and no one person as two', async () => {
    const asked = await send('/critical/both', 'pay')
    expect(asked.shown.needs).toEqual(['initiator', 'approver'])
    expect(await refusedFor(sign(asked.shown, 'aiko', { kind: 'initiator' }))).toBe(
      'not-the-initiator',
    )
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('waiting')
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('already-answered')
    expect(upstream.arrived()).not.toContain(asked.path)
    expect(await refusedFor(sign(asked.shown, 'uma', { kind: 'initiator' }))).toBe('approved')
    expect(await statusOf(asked)).toBe('200')
  })

  test('does not leave when somebody denies it', async () => {
    const asked = await send('/high/denied', 'hello')
    await sekisho('approvals', 'deny', asked.shown.held.id, '--key', fileOf('ben'))
    await expectStopped(asked)
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.answer denied',
      'action.intent deny',
    ])
  })
})

describe('refused, each with its own reason, recorded, and with nothing sent', () => {
  test('one request approved and another sent', async () => {
    const mild = await send('/high/mild', 'ok')
    const harm = await send('/high/harm', 'not ok')
    const forged = sign({ ...mild.shown, held: harm.shown.held }, 'aiko')
    expect(await refusedFor(forged)).toBe('other-action')
    const other = sign(mild.shown, 'aiko')
    expect(
      await refusedFor({ ...other, statement: { ...other.statement, hold: harm.shown.held.id } }),
    ).toBe('bad-signature')
    expect(await refusedFor(sign(mild.shown, 'aiko', { answer: 'deny' }))).toBe('denied')
    expect(await refusedFor(sign(harm.shown, 'aiko', { answer: 'deny' }))).toBe('denied')
    await expectStopped(mild)
    await expectStopped(harm)
    expect(await told(harm.shown.held.session)).toEqual([
      'action.held',
      'approval.answer refused other-action',
      'approval.answer refused bad-signature',
      'approval.answer denied',
      'action.intent deny',
    ])
  })

  test('an approval that is sent again', async () => {
    const asked = await send('/high/once', 'hello')
    const signed = sign(asked.shown, 'aiko')
    expect(await refusedFor(signed)).toBe('approved')
    expect(await statusOf(asked)).toBe('200')
    expect(await refusedFor(signed)).toBe('already-answered')
    const leaves = await told(asked.shown.held.session)
    expect(leaves.at(-1)).toBe('approval.answer refused already-answered')
    expect(upstream.arrived().filter((path) => path === asked.path)).toHaveLength(1)
  })

  test('an approval of a stranger', async () => {
    const asked = await send('/high/stranger', 'hello')
    const stranger = writeNewKey(join(directory, 'stranger.key'))
    const answering = { shown: asked.shown, kind: 'approver', answer: 'approve', note: '' } as const
    expect(await refusedFor(signAnswer({ ...answering, key: stranger, now: new Date() }))).toBe(
      'unknown-key',
    )
    await sekisho('stop', asked.shown.held.session)
    await asked.client.ended
    expect(upstream.arrived()).not.toContain(asked.path)
    const { session } = asked.shown.held
    while (!(await sekisho('log', 'show', '--session', session)).includes('session ends'))
      await pass(20)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('session-ended')
  })

  test('an approval after the policy has changed', async () => {
    const asked = await send('/high/changed', 'hello')
    await changeFile('approvals.yaml', { version: 1, timeout: '61s' })
    await expectStopped(asked)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('policy-changed')
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.ended policy-changed',
      'action.intent deny',
      'approval.answer refused policy-changed',
    ])
  })

  test.for<readonly [string, string]>([
    ['drives a terminal', 'ok \u001b[2J\u001b[1;1H approved'],
    ['turns the direction of text', 'pay \u202e001 to eve'],
  ])('text that %s is put before nobody', async ([, body]) => {
    const path = `/high/text-${body.length}`
    await expectStopped({ client: start(path, body), path })
    const log = await sekisho('log', 'show')
    const line = log.split('\n').find((one) => one.includes('DENY') && one.includes(path)) ?? ''
    expect(line).toMatch(/body: characters that (?:drive a terminal|turn the direction of text)/)
    expect(await waiting()).toEqual([])
  })

  test('an approval for a user who has been disabled', async () => {
    const asked = await send('/high/disabled', 'hello')
    await changeFile('users.yaml', usersFile(false))
    await expectStopped(asked)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('user-disabled')
    expect(await refusedFor(sign(asked.shown, 'uma', { kind: 'initiator' }))).toBe('not-asked-for')
    await changeFile('users.yaml', usersFile(true))
  })
})
