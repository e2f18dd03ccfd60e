import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundleOf, DEFAULTS } from '../../policy/decision/testing/bundle.ts'
import type { GateSession } from '../../wire/gate.ts'
import type { Left, RestoreItem, RestoreOutcome } from '../../wire/restore.ts'
import { plainDecision } from '../testing/decision.ts'
import { NO_PRINTS, PLAIN_EGRESS, SESSION } from '../testing/rig.ts'
import {
  CREDENTIAL,
  head,
  HOST,
  NOTHING_LEAKED,
  OUTSIDE_PEM,
  PLACEHOLDER,
  REAL,
  rule,
  Scene,
} from '../testing/scene.ts'

const RESTORE = 's-99999999999999999999'
const recovery = { method: 'PUT', path: null } as const
const DELETED: Left = { isAbsent: true, content: null, etag: null }
const AUTH = `Authorization: Bearer ${PLACEHOLDER}`

/** A wiki without undo. */
const pages = new Map<string, string>()
let hasEtags = true
let broken = ''

let scene: Scene
beforeEach(async () => {
  pages.clear()
  hasEtags = true
  broken = ''
  scene = await Scene.start({
    rules: [rule({ options: { recovery } })],
    credentials: [CREDENTIAL],
    bundle: bundleOf(DEFAULTS),
  })
  scene.canary.handler = serveWiki
})
afterEach(() => scene.close())

function serveWiki(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '', headers } = request
  const status = statusOf(method, url, headers)
  const etag = etagOf(url)
  response.writeHead(status, etag === undefined ? {} : { etag })
  response.end(status === 200 ? pages.get(url) : undefined)
  if (status === 204) change(method, url)
}

function change(method: string, url: string): void {
  if (method === 'DELETE') pages.delete(url)
  else pages.set(url, scene.canary.requests.at(-1)?.body ?? '')
}

function statusOf(method: string, url: string, headers: IncomingMessage['headers']): number {
  if (headers.authorization !== `Bearer ${REAL}`) return 401
  if (method === broken) return 500
  if (![undefined, etagOf(url)].includes(headers['if-match'])) return 412
  if (method !== 'GET') return 204
  return pages.has(url) ? 200 : 404
}

function etagOf(url: string): string | undefined {
  const page = pages.get(url)
  return hasEtags && page !== undefined ? `"${page.length}-${page.at(0)}"` : undefined
}

function agentDeletes(path: string): Promise<string> {
  return scene.rig.send(HOST, head(`DELETE ${path}`, `Host: ${HOST}`, AUTH))
}

function agentPuts(path: string, body: string): Promise<string> {
  const length = `Content-Length: ${body.length}`
  return scene.rig.send(HOST, head(`PUT ${path}`, `Host: ${HOST}`, AUTH, length) + body)
}

function lastItem(left: Left): RestoreItem {
  const leaf = scene.rig.keyholder.leaves.findLast(({ type }) => type === 'action.preimage')
  if (leaf?.type !== 'action.preimage') throw new Error('nothing was kept')
  return { id: leaf.id, recipe: leaf.preimage.recipe, left }
}

async function openRestore(over: Partial<GateSession> = {}): Promise<void> {
  const config: GateSession = {
    session: RESTORE,
    decision: plainDecision([]), // what the agent is granted now does not count
    egress: PLAIN_EGRESS,
    prints: NO_PRINTS,
    credentials: [{ ...CREDENTIAL, placeholder: 'another-placeholder' }],
    upstreams: [
      {
        host: HOST,
        port: 443,
        address: '127.0.0.1',
        dialPort: scene.canary.port,
        caPem: OUTSIDE_PEM,
      },
    ],
    limits: { egressBytes: 2 ** 40, egressRequests: 1e6 },
    egressUsed: { bytes: 0, requests: 0 },
    platformCredentials: [],
    isResumed: false,
    ...over,
  }
  await scene.rig.gate.call('restore.open', { config, of: SESSION })
}

function restore(
  item: RestoreItem,
  { isDryRun = false, isForced = false } = {},
): Promise<RestoreOutcome> {
  return scene.rig.gate.call('restore.item', { session: RESTORE, item, isDryRun, isForced })
}

/** What has been asked since the last look at it. */
function newlyAsked(): string[] {
  return scene.canary.requests.splice(0).map(({ method, url }) => `${method} ${url}`)
}

test('what was deleted is there again as it was, on record as the operator’s act', async () => {
  pages.set('/page', 'the text of the page')
  await agentDeletes('/page')
  expect(pages.has('/page')).toBe(false)
  const item = lastItem(DELETED)
  await openRestore()
  newlyAsked()
  expect(await restore(item)).toEqual({ id: item.id, did: 'restored', detail: 'by PUT' })
  expect(pages.get('/page')).toBe('the text of the page')
  expect(newlyAsked()).toEqual(['GET /page', 'PUT /page', 'GET /page'])
  const own = scene.rig.keyholder.intents().filter(({ session }) => session === RESTORE)
  expect(own.map(({ verdict, credentials, facts }) => [verdict, credentials, facts?.user])).toEqual(
    Array.from({ length: 3 }, () => [
      { kind: 'allow', rules: ['admin.restore'] },
      ['token'],
      'uid-0',
    ]),
  )
  const { counters } = await scene.rig.gate.call('restore.close', { session: RESTORE })
  expect(counters).toMatchObject({ egressRequests: 3, outcomesLost: 0 })
  const outcomes = scene.rig.keyholder.outcomes().filter(({ session }) => session === RESTORE)
  expect(outcomes.map(({ outcome }) => 'status' in outcome && outcome.status)).toEqual([
    404, 204, 200,
  ])
})

test('a second restore finds nothing to do', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  const item = lastItem(DELETED)
  await openRestore()
  expect((await restore(item)).did).toBe('restored')
  newlyAsked()
  expect((await restore(item)).did).toBe('unchanged')
  expect((await restore(item, { isForced: true })).did).toBe('unchanged')
  expect(newlyAsked()).toEqual(['GET /page', 'GET /page'])
})

test('what was made is taken away again', async () => {
  await agentPuts('/new', 'made by the agent')
  const item = lastItem({ isAbsent: false, content: null, etag: '"17-m"' })
  await openRestore()
  expect(await restore(item)).toMatchObject({
    did: 'restored',
    detail: 'by DELETE: it was not there',
  })
  expect(pages.has('/new')).toBe(false)
  expect((await restore(item)).did).toBe('unchanged')
})

test('what was overwritten is known as the agent’s by its digest, without any ETag', async () => {
  hasEtags = false
  pages.set('/page', 'the text')
  await agentPuts('/page', 'something else')
  const leaf = scene.rig.keyholder.leaves.findLast(({ type }) => type === 'action.preimage')
  const content = leaf?.type === 'action.preimage' ? leaf.preimage.sent : null
  await openRestore()
  expect((await restore(lastItem({ isAbsent: false, content, etag: null }))).did).toBe('restored')
  expect(pages.get('/page')).toBe('the text')
})

test('a dry run changes nothing and says what it would', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  await openRestore()
  newlyAsked()
  expect(await restore(lastItem(DELETED), { isDryRun: true })).toMatchObject({
    did: 'would-restore',
    detail: 'by PUT',
  })
  expect(newlyAsked()).toEqual(['GET /page'])
})

test.each([
  ['made anew', DELETED, 'somebody else has made it anew since'],
  ['changed', { isAbsent: false, content: null, etag: '"1-x"' }, 'somebody has changed it since'],
  [
    'changed in a way that nobody can tell',
    { isAbsent: false, content: null, etag: null },
    'nobody can tell what the action left there',
  ],
])('what somebody else has %s stays, but with --force', async (_, left, detail) => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  pages.set('/page', 'by somebody else')
  await openRestore()
  newlyAsked()
  expect(await restore(lastItem(left))).toMatchObject({ did: 'changed-since', detail })
  expect(newlyAsked()).toEqual(['GET /page'])
  expect((await restore(lastItem(left), { isForced: true })).did).toBe('restored')
  expect(pages.get('/page')).toBe('the text')
})

test('what somebody else has deleted since stays so', async () => {
  pages.set('/page', 'the text')
  await agentPuts('/page', 'by the agent')
  pages.delete('/page')
  await openRestore()
  const left: Left = { isAbsent: false, content: null, etag: '"12-b"' }
  expect(await restore(lastItem(left))).toMatchObject({
    did: 'changed-since',
    detail: 'somebody else has deleted it since',
  })
  expect(pages.has('/page')).toBe(false)
})

test.each([
  ['GET', 'a GET is answered with 500'],
  ['PUT', 'a PUT is answered with 500'],
])('a server whose %s fails makes a failure', async (method, detail) => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  await openRestore()
  broken = method
  expect(await restore(lastItem(DELETED))).toMatchObject({ did: 'failed', detail })
})

test('what is read back otherwise than it was put is a failure', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  await openRestore()
  scene.canary.handler = (request, response) => {
    serveWiki(request, response)
    if (request.method === 'PUT') pages.set('/page', 'another text')
  }
  expect(await restore(lastItem(DELETED))).toMatchObject({
    did: 'failed',
    detail: 'what is read back is not what was put back',
  })
})

test('what changes between the look and the restore stays', async () => {
  pages.set('/page', 'the text')
  await agentPuts('/page', 'by the agent')
  await openRestore()
  scene.canary.handler = (request, response) => {
    serveWiki(request, response)
    if (request.method === 'GET') pages.set('/page', 'by somebody else')
  }
  const left: Left = { isAbsent: false, content: null, etag: '"12-b"' }
  expect(await restore(lastItem(left))).toMatchObject({
    did: 'failed',
    detail: 'somebody changed it at this moment',
  })
  expect(pages.get('/page')).toBe('by somebody else')
})

test('without the secret that it was read with, nothing leaves', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  const { connections, bytes } = scene.leaked
  await openRestore({ credentials: [] })
  expect(await restore(lastItem(DELETED))).toMatchObject({
    did: 'failed',
    detail: 'the agent has no secret token any more',
  })
  expect(scene.leaked).toEqual({ connections, bytes })
})

test('content that is gone is a failure, and nothing is put anywhere', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  const item = lastItem(DELETED)
  scene.rig.keyholder.blobs.clear()
  await openRestore()
  newlyAsked()
  expect((await restore(item)).did).toBe('failed')
  expect(newlyAsked()).toEqual([])
})

test('an operator whom the bundle does not permit it, or has struck off, restores nothing', async () => {
  pages.set('/page', 'the text')
  await agentDeletes('/page')
  const item = lastItem(DELETED)
  await openRestore()
  newlyAsked()
  const none = '@id("granted") permit (principal, action, resource) when { context.facts.granted };'
  const users = [{ name: 'ann', uid: 0, groups: [], enabled: false }]
  await scene.rig.gate.call('policy.install', bundleOf(none, { generation: 2 }))
  expect(await restore(item)).toMatchObject({
    did: 'failed',
    detail: 'no policy permits admin.restore to uid-0',
  })
  await scene.rig.gate.call('policy.install', bundleOf(DEFAULTS, { generation: 3, users }))
  expect(await restore(item)).toMatchObject({ did: 'failed', detail: 'ann is disabled' })
  expect(newlyAsked()).toEqual([])
  expect(scene.rig.keyholder.deniedBy().slice(-2)).toEqual(['admin.restore', 'admin.restore'])
})

test('a restore that is not open does nothing', async () => {
  const item = { id: 'x', recipe: `sha256:${'0'.repeat(64)}`, left: DELETED }
  await expect(restore(item)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
