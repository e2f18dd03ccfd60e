import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { expect } from 'vitest'
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
import { type Client, type Instance, openInstance, processesOf, startRun } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const PEOPLE = ['aiko', 'ben', 'uma'] as const
type Person = (typeof PEOPLE)[number]

export let directory: string
export let upstream: Upstream
export let instance: Instance
export let peer: Peer<typeof api>
const keys = new Map<Person, OperatorKey>()
const key = (name: Person): OperatorKey => keys.get(name) ?? fail(`no key of ${name}`)
export const fileOf = (name: Person): string => join(directory, `${name}.key`)

function fail(why: string): never {
  throw new Error(why)
}

/** A platform whose agent `client` may send what people have to approve. */
export async function openScene(): Promise<void> {
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
}

export async function closeScene(): Promise<void> {
  peer?.close()
  await instance?.close()
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
}

function operatorsFile(): unknown {
  const operators = (['aiko', 'ben'] as const).map((name) => ({
    name,
    key: writeKey(key(name).publicKey),
  }))
  return { version: 1, operators }
}

export function usersFile(enabled: boolean): unknown {
  return {
    version: 1,
    users: [{ name: 'uma', uid: 0, enabled, key: writeKey(key('uma').publicKey) }],
  }
}

export async function changeFile(name: string, content: unknown): Promise<void> {
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

export async function sekisho(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await instance.sekisho(...argv)
  if (code !== 0) throw new Error(`sekisho ${argv.join(' ')}: ${stderr}`)
  return stdout
}

/** Says how it was answered, and stays until its stdin ends; a line there is a path to be asked anew. */
const SEND = `
const [path, body] = process.argv.slice(1)
const ask = (path) => {
  const request = require('node:https').request(
    { host: '${UPSTREAM_HOST}', path, method: 'POST', agent: false },
    (reply) => reply.resume().on('end', () => console.log('status ' + reply.statusCode + ' of ' + path)),
  )
  request.on('error', (error) => console.log('status ' + error + ' of ' + path))
  request.end(body)
}
process.stdin.on('data', (line) => ask(String(line).trim()))
ask(path)
`

export type Asked = { client: Client; path: string; shown: Shown }

export function start(path: string, body: string): Client {
  const client = startRun(instance, ['/opt/node/node', '-e', SEND, path, body], {
    flags: ['--agent', 'client'],
  })
  clients.push(client)
  return client
}

/** An agent sends something that waits; resolves when it does. */
export async function send(path: string, body: string): Promise<Asked> {
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

export async function waiting(): Promise<string[]> {
  return (await peer.call('approvals.list', {})).holds.map(({ id }) => id)
}

export function sign(
  shown: Shown,
  by: Person,
  {
    kind = 'approver',
    answer = 'approve',
  }: { kind?: ApprovalKind; answer?: 'approve' | 'deny' } = {},
): SignedApproval {
  return signAnswer({ shown, kind, answer, key: key(by), note: '', now: new Date() })
}

export async function refusedFor(signed: SignedApproval): Promise<string> {
  const result = await peer.call('approvals.answer', signed)
  return result.kind === 'refused' ? result.why : result.kind
}

/** What the log says of a session: each leaf's type, and why. */
export async function told(session: string): Promise<string[]> {
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
export async function statusOf({ client, path }: Pick<Asked, 'client' | 'path'>): Promise<string> {
  await client.says(` of ${path}`)
  const line =
    client
      .said()
      .split('\n')
      .find((one) => one.endsWith(` of ${path}`)) ?? ''
  return line.slice('status '.length, -` of ${path}`.length)
}

/** Nobody’s yes: the agent is refused, and not one byte of it left. */
export async function expectStopped(asked: Pick<Asked, 'client' | 'path'>): Promise<void> {
  expect(await statusOf(asked)).toBe('403')
  expect(upstream.arrived()).not.toContain(asked.path)
}

const clients: Client[] = []
export async function endClients(): Promise<void> {
  for (const client of clients) client.process.stdin?.end()
  await Promise.all(clients.splice(0).map(({ ended }) => ended))
}

/** undefined while there is none */
export async function keyholderNow(): Promise<number | undefined> {
  return (await processesOf(instance).catch(() => undefined))?.['keyholder']
}

export async function nextOf(session: string): Promise<{ shown: Shown }> {
  for (;;) {
    const { holds } = await peer.call('approvals.list', {})
    const hold = holds.find((one) => one.session === session)
    if (hold !== undefined)
      return { shown: seen(await peer.call('approvals.show', { id: hold.id })) }
    await pass(20)
  }
}
