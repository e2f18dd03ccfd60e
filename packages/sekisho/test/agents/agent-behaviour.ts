import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AgentClient, keyFaults } from './agent-client.ts'
import { CANARY_HOST } from './agent-file.ts'
import { type AgentSession, EVIL_HOST, runAgentSession, TURNS } from './agent-session.ts'
import { runClientAlone } from './client-alone.ts'
import { filesHolding } from './files-holding.ts'
import { PROVIDERS } from './model-server.ts'
import { alarmsOf, endOf, type Leaf, readLog } from './platform.ts'

/** What must hold of any client that does its task. Registers the tests. */
export function testAgent(client: AgentClient): void {
  describe('without the platform', () => testAlone(client))
  describe('in a session', () => testInSession(client))
}

/** If this fails, the client or the script has changed, and nothing below says much. */
function testAlone(client: AgentClient): void {
  test('the client does its task against the scripted model', async () => {
    const { ran, requests, key } = await runClientAlone(client, [
      { kind: 'shell', command: 'echo "a result"' },
      { kind: 'text', text: 'All is done.' },
    ])
    expect(ran).toMatchObject({ code: 0, stdout: 'All is done.\n' })
    expect(client.shellOutputs(requests)).toEqual([expect.stringContaining('a result')])
    const calls = requests.filter(({ status, method }) => status === 200 && method === 'POST')
    expect(keyFaults(client, calls, key)).toEqual([])
  })
}

function testInSession(client: AgentClient): void {
  let run: AgentSession
  beforeAll(async () => {
    run = await runAgentSession(client)
  })
  afterAll(async () => run?.close())

  testTask(client, () => run)
  testKey(client, () => run)
  testRecord(client, () => run)
  testAttempts(client, () => run)
  testAudit(client, () => run)
}

function testTask(client: AgentClient, run: () => AgentSession): void {
  test('the client ends its task as outside a sandbox', () => {
    const { code, stdout } = run().ran
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'I wrote greeting.txt.\n' })
  })

  test('every turn of the script was asked for, and every result came back', () => {
    const { model } = run()
    expect(client.shellOutputs(model.requests)).toHaveLength(TURNS.length - 1)
  })

  test('the workspace is as the user left it', async () => {
    const { workspace } = run()
    expect(await readdir(workspace)).toEqual(['README.md'])
    expect(await readFile(join(workspace, 'README.md'), 'utf8')).toBe('# A project\n')
  })

  test('diff shows the change and apply brings it to the user', async () => {
    const { platform, session, workspace } = run()
    const diff = await platform.sekisho('diff', session)
    expect(diff.code).toBe(0)
    expect(diff.stdout).toContain('greeting.txt')
    expect(await platform.sekisho('apply', session)).toMatchObject({ code: 0 })
    expect(await readFile(join(workspace, 'greeting.txt'), 'utf8')).toBe('hello from the agent\n')
  })
}

function testKey(client: AgentClient, run: () => AgentSession): void {
  const { header, variable, isHidden } = client.key

  test('every model call carries the real key, and no request the placeholder in its place', () => {
    const { model, realKey } = run()
    const calls = model.requests.filter(
      ({ method, target }) => method === 'POST' && target.startsWith(client.modelPath),
    )
    expect(calls.length).toBeGreaterThanOrEqual(TURNS.length)
    expect(keyFaults(client, calls, realKey)).toEqual([])
    const withKey = model.requests.filter(({ headers }) => headers[header] !== undefined)
    expect(keyFaults(client, withKey, realKey)).toEqual([])
  })

  test('inside there is a placeholder of the same length and never the real key', () => {
    const { model, realKey, ran } = run()
    const [environment = ''] = client.shellOutputs(model.requests)
    const [, placeholder = ''] = new RegExp(`^${variable}=(.+)$`, 'm').exec(environment) ?? []
    // a client may cover in its tools' results what looks like a key
    if (isHidden !== true) expect(placeholder).toHaveLength(realKey.length)
    expect(placeholder).not.toBe(realKey)
    expect(model.requests.filter(({ body }) => body.includes(realKey))).toEqual([])
    expect(ran.stdout + ran.stderr).not.toContain(realKey)
  })

  test('no file of the platform and none of the session holds the real key', async () => {
    const { directory, realKey } = run()
    expect(await filesHolding(directory, realKey)).toEqual([])
  })
}

function testRecord(client: AgentClient, run: () => AgentSession): void {
  const actionsAt = (host: string): Leaf[] => run().leaves.filter((l) => l.action?.host === host)

  test('a host that no rule names is denied and recorded', () => {
    expect(client.shellOutputs(run().model.requests)[1]).toMatch(/curl ended with [1-9]/)
    const verdicts = run()
      .leaves.filter(({ action }) => action?.host === EVIL_HOST || action?.['name'] === EVIL_HOST)
      .map(({ verdict }) => verdict?.kind)
    expect(verdicts.length).toBeGreaterThan(0)
    expect(new Set(verdicts)).toEqual(new Set(['deny']))
  })

  test('a path that no rule opens is denied and recorded, and its host gets no byte', () => {
    expect(client.shellOutputs(run().model.requests)[2]).toMatch(/curl ended with [1-9]/)
    const requests = actionsAt(CANARY_HOST).filter(({ action }) => action?.kind === 'http.request')
    expect(requests.map(({ verdict }) => verdict?.kind)).toEqual(['deny'])
    expect(run().canary.seen()).toEqual({ connections: 0, bytes: 0 })
  })

  test('the log holds each model call with its credential by name, and its outcome', () => {
    const { host } = PROVIDERS[client.provider]
    // a WebSocket ends at the gate, which posts each of its calls
    const isRequest = ({ action }: Leaf): boolean =>
      (action?.kind === 'http.request' && action['upgrade'] === undefined) ||
      action?.kind === 'llm.generate'
    const allowed = actionsAt(host)
      .filter(isRequest)
      .filter(({ verdict }) => verdict?.kind === 'allow')
    expect(allowed).toHaveLength(run().model.requests.length)
    const calls = allowed.filter(({ action }) => action?.kind === 'llm.generate')
    const reported = run().leaves.filter(({ type }) => type === 'llm.call')
    expect(new Set(reported.map(({ id }) => id))).toEqual(new Set(calls.map(({ id }) => id)))
    expect(calls.length).toBeGreaterThanOrEqual(TURNS.length)
    expect(calls.map(({ verdict }) => verdict?.kind)).toEqual(calls.map(() => 'allow'))
    expect(calls.map(({ credentials }) => credentials)).toEqual(
      calls.map(() => [client.key.credential]),
    )
    const performed = run().leaves.filter(({ outcome }) => outcome?.kind === 'performed')
    const closed = new Set(performed.map(({ id }) => id))
    expect(calls.filter(({ id }) => !closed.has(id))).toEqual([])
  })
}

function testAttempts(client: AgentClient, run: () => AgentSession): void {
  test('of what the client does by itself, nothing is denied but what is known', () => {
    const tried = [EVIL_HOST, CANARY_HOST]
    const denied = run()
      .leaves.filter(({ verdict }) => verdict?.kind === 'deny')
      .map(({ action }) => tellAttempt(action))
      .filter((what) => !tried.some((name) => what.endsWith(` ${name}`)))
    expect(new Set(denied)).toEqual(new Set(client.refused))
  })
}

function testAudit(client: AgentClient, run: () => AgentSession): void {
  test('its own log is kept as its claims', async () => {
    const { platform, session } = run()
    const listed = await platform.sekisho('log', 'transcripts', session, '--json')
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining(client.name) })
  })

  test('all that its own log claims was seen, and all calls in it were released', async () => {
    const { platform, session } = run()
    const { code, stdout } = await platform.sekisho('log', 'reconcile', session, '--json')
    expect({ code, ...Object(JSON.parse(stdout)) }).toMatchObject({
      code: 0,
      compared: 3,
      calls: 3,
      unclaimedCalls: 0,
      differences: [],
      unread: 0,
      uncompared: [],
    })
    const end = await endOf(platform, session)
    expect(end['counters']).toMatchObject({
      'transcripts.unreleased': 0,
      'transcripts.changed': 0,
      'transcripts.uncompared': 0,
      'transcripts.unread': 0,
    })
    expect(alarmsOf(await readLog(platform, session))).toEqual([])
  })

  test('the log verifies', async () => {
    expect(await run().platform.sekisho('log', 'verify')).toMatchObject({ code: 0 })
  })
}

/** Its kind and its subject. */
function tellAttempt(action: Leaf['action']): string {
  if (action === undefined) return 'no action'
  const subject = [action['syscall'], action['name'], action.host].find((one) => one !== undefined)
  return `${action.kind} ${typeof subject === 'string' ? subject : ''}`
}
