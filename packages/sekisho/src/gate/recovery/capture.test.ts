import { afterEach, beforeEach, expect, test } from 'vitest'
import { bundleOf, DEFAULTS } from '../../policy/decision/testing/bundle.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { RestoreRecipe } from '../../wire/recovery.ts'
import type { Canary } from '../testing/canary.ts'
import {
  CREDENTIAL,
  head,
  HOST,
  NOTHING_LEAKED,
  PLACEHOLDER,
  REAL,
  rule,
  Scene,
} from '../testing/scene.ts'

const recovery = { method: 'PUT', path: null } as const
const WIKI = [
  rule({ options: { recovery } }),
  rule({ id: 'plain', scheme: 'http', port: 80, options: { recovery } }),
]
type PreImageLeaf = Extract<LeafInput, { type: 'action.preimage' }>

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start({
    rules: WIKI,
    credentials: [CREDENTIAL],
    bundle: bundleOf(DEFAULTS),
  })
  scene.rig.control.answer = () => ({ kind: 'denied', reason: 'no' })
  answerGet(200, 'the page', { etag: '"v1"', 'content-type': 'text/markdown' })
})
afterEach(() => scene.close())

/** The server outside answers a look so, and does whatever else it is asked. */
function answerGet(
  status: number,
  body: string | Buffer,
  fields: Record<string, string> = {},
): void {
  scene.canary.handler = (request, response) => {
    if (request.method === 'GET') response.writeHead(status, fields).end(body)
    else response.writeHead(204, { etag: '"v2"' }).end()
  }
}

function send(line: string, ...fields: string[]): Promise<string> {
  return scene.rig.send(HOST, head(line, `Host: ${HOST}`, ...fields))
}

function put(body: string, ...fields: string[]): Promise<string> {
  const request = head('PUT /page', `Host: ${HOST}`, `Content-Length: ${body.length}`, ...fields)
  return scene.rig.send(HOST, request + body)
}

function asked({ requests }: Canary): string[] {
  return requests.map(({ method, url }) => `${method} ${url}`)
}

function fieldsOf(at: number): Record<string, string> {
  const raw = scene.canary.requests[at]?.rawHeaders ?? []
  const names = raw.filter((_, index) => index % 2 === 0)
  return Object.fromEntries(names.map((name, at) => [name.toLowerCase(), raw[2 * at + 1] ?? '']))
}

function methodOf(leaf: LeafInput): string {
  return 'action' in leaf && typeof leaf.action === 'object' && 'method' in leaf.action
    ? leaf.action.method
    : ''
}

function preImages(): PreImageLeaf[] {
  return scene.rig.keyholder.leaves.filter((leaf) => leaf.type === 'action.preimage')
}

function kept(digest: string | null | undefined): string | undefined {
  return scene.rig.keyholder.blobs.get(digest ?? '')?.toString()
}

test('what a DELETE takes away is read and kept before, on record in this order', async () => {
  expect(await send('DELETE /page?draft=1')).toMatch(/^HTTP\/1.1 204 /)
  expect(asked(scene.canary)).toEqual(['GET /page?draft=1', 'DELETE /page?draft=1'])
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 3)
  const { leaves } = scene.rig.keyholder
  const at = (type: string, method = ''): number =>
    leaves.findIndex((leaf) => leaf.type === type && methodOf(leaf).endsWith(method))
  expect(at('action.intent', 'GET')).toBeGreaterThan(-1)
  expect(at('action.preimage')).toBeGreaterThan(at('action.intent', 'GET'))
  expect(at('action.intent', 'DELETE')).toBeGreaterThan(at('action.preimage'))
  const [look, deed] = scene.rig.keyholder.intents().slice(-2)
  expect(look?.verdict).toEqual({ kind: 'allow', rules: ['platform.pre-image', 'api'] })
  expect(deed?.facts?.reversibility).toBe('reversible')
  const [leaf] = preImages()
  expect(leaf).toMatchObject({
    id: deed?.id,
    action: { method: 'DELETE', path: '/page', query: 'draft=1' },
    preimage: { bytes: 8, etag: '"v1"', sent: null, recovery },
  })
  expect(kept(leaf?.preimage.content)).toBe('the page')
  expect(RestoreRecipe.parse(JSON.parse(kept(leaf?.preimage.recipe) ?? ''))).toMatchObject({
    scheme: 'https',
    host: HOST,
    port: 443,
    path: '/page',
    query: 'draft=1',
    content: leaf?.preimage.content,
    contentType: 'text/markdown',
    recovery,
  })
  // the reply of the platform's own look is nothing that an agent sees
  expect(
    scene.rig.keyholder
      .outcomes()
      .slice(1)
      .map(({ outcome }) => outcome),
  ).toMatchObject([
    { kind: 'performed', status: 200 },
    { kind: 'performed', status: 204, etag: '"v2"' },
  ])
})

test.each([404, 410])(
  'of what is not there (%i) it is kept that nothing is there',
  async (status) => {
    answerGet(status, 'no such page')
    expect(await put('a new page')).toMatch(/^HTTP\/1.1 204 /)
    const [leaf] = preImages()
    expect(leaf?.preimage).toMatchObject({ content: null, bytes: 0, etag: null })
    expect(fieldsOf(1)['if-match']).toBeUndefined()
  },
)

test('what a PUT sends is known by its digest, as it would be kept', async () => {
  await put('another text')
  const { keyholder } = scene.rig
  const [leaf] = preImages()
  keyholder.blobs.clear()
  answerGet(200, 'another text')
  await send('DELETE /page')
  expect(preImages()[1]?.preimage.content).toBe(leaf?.preimage.sent)
})

const LONG = Buffer.alloc(8 * 1024 * 1024 + 1, 'x')
test.each([
  ['fails', 500, 'sorry', {}],
  ['is not granted', 403, 'no', {}],
  ['leads elsewhere', 302, '', { location: '/elsewhere' }],
  ['is only a part', 206, 'the', { 'content-range': 'bytes 0-2/8' }],
  ['has no content to give', 204, '', {}],
  ['is encoded all the same', 200, 'xx', { 'content-encoding': 'gzip' }],
  ['is too long', 200, LONG, {}],
])(
  'where the look %s, the deed is denied on record and never leaves',
  async (...[, status, body, fields]) => {
    answerGet(status, body, fields)
    expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 403 /)
    expect(asked(scene.canary)).toEqual(['GET /page'])
    expect(scene.rig.keyholder.deniedBy()).toContain('invariant.irreversible')
    const denied = scene.rig.keyholder.intents().at(-1)
    expect(denied).toMatchObject({
      action: { method: 'DELETE' },
      facts: { reversibility: 'irreversible' },
    })
    expect(preImages()).toEqual([])
  },
)

test('where the look breaks off, the deed is denied on record and never leaves', async () => {
  scene.canary.onHead = (request) => request.socket.destroy()
  expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 403 /)
  expect(scene.canary.heads).toBe(1)
  expect(scene.rig.keyholder.deniedBy()).toContain('invariant.irreversible')
})

test('without a record of what was kept, the deed is denied and never leaves', async () => {
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.preimage') throw new Error('the disk is full')
  }
  expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 403 /)
  expect(asked(scene.canary)).toEqual(['GET /page'])
})

test('without a record of the look, nothing leaves at all', async () => {
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'http.request')
      throw new Error('the disk is full')
  }
  expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 503 /)
  expect(scene.leaked.bytes).toBe(0)
})

test('the look asks as the agent does, and for the whole of what is there', async () => {
  await send(
    'DELETE /page',
    `Authorization: Bearer ${PLACEHOLDER}`,
    'Cookie: a=b',
    'Notion-Version: 2022-06-28',
    'Accept: text/plain',
    'Range: bytes=0-1',
    'If-None-Match: "v1"',
    'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT',
    'Accept-Encoding: gzip',
    'X-Other: 1',
  )
  const { connection: _, ...fields } = fieldsOf(0)
  expect(fields).toEqual({
    host: HOST,
    authorization: `Bearer ${REAL}`,
    cookie: 'a=b',
    'notion-version': '2022-06-28',
    accept: '*/*',
    'accept-encoding': 'identity',
    'cache-control': 'no-cache',
  })
  const [leaf] = preImages()
  const request = RestoreRecipe.parse(JSON.parse(kept(leaf?.preimage.recipe) ?? ''))
  expect(request).toMatchObject({
    path: '/page',
    query: null,
    placeholders: { token: PLACEHOLDER },
  })
  expect(request.fields).toContain(`Bearer ${PLACEHOLDER}`)
  expect(JSON.stringify(request)).not.toContain(REAL)
})

test.each([
  ['a strong ETag', '"v1"', [], '"v1"'],
  ['a weak ETag', 'W/"v1"', [], undefined],
  ['no ETag that is one', 'v1', [], undefined],
  ['an agent that asks for any', '"v1"', ['If-Match: *'], '"v1"'],
  ['an agent that names it beside others', '"v1"', ['If-Match: "v0", "v1"'], '"v1"'],
  ['an agent that names another', '"v1"', ['If-Match: "v0"'], '"v0"'],
])('with %s the deed is for what was kept', async (...[, etag, fields, condition]) => {
  answerGet(200, 'the page', { etag })
  await send('DELETE /page', ...fields)
  expect(fieldsOf(1)['if-match']).toBe(condition)
})

test('what somebody else changed meanwhile stays, and the agent is told', async () => {
  scene.canary.handler = (request, response) => {
    if (request.method === 'GET') response.writeHead(200, { etag: '"v1"' }).end('the page')
    else response.writeHead(request.headers['if-match'] === '"v2"' ? 204 : 412).end()
  }
  expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 412 /)
})

test('a read is preceded by nothing, nor is a change that no rule asks to keep', async () => {
  await send('GET /page')
  await send('POST /page')
  expect(asked(scene.canary)).toEqual(['GET /page', 'POST /page'])
  await scene.close()
  scene = await Scene.start({ bundle: bundleOf(DEFAULTS) })
  await send('DELETE /page')
  expect(asked(scene.canary)).toEqual(['DELETE /page'])
})

/** made up, and only whole when it runs */
const TOKEN = ['glpat', '-A1b2C3d4E5f6G7h8J9k0'].join('')

async function startWith(treatment: 'record' | 'hold'): Promise<void> {
  await scene.close()
  const options = { recovery, treatments: { 'secret.gitlab-pat': treatment } }
  scene = await Scene.start({ rules: [rule({ options })], bundle: bundleOf(DEFAULTS) })
  scene.rig.control.answer = () => ({ kind: 'denied', reason: 'no' })
  answerGet(200, 'the page')
}

test('what a URL may not say in the log, neither the look nor what was kept says', async () => {
  await startWith('record')
  expect(await send(`DELETE /page?key=${TOKEN}`)).toMatch(/^HTTP\/1.1 204 /)
  expect(asked(scene.canary)).toEqual([`GET /page?key=${TOKEN}`, `DELETE /page?key=${TOKEN}`])
  expect(JSON.stringify(scene.rig.keyholder.leaves)).not.toContain(TOKEN)
  const [leaf] = preImages()
  expect(kept(leaf?.preimage.recipe)).toContain(TOKEN)
})

test('what wants a yes before it leaves is not carried out by a look either', async () => {
  await startWith('hold')
  expect(await send(`DELETE /page?key=${TOKEN}`)).toMatch(/^HTTP\/1.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(scene.rig.keyholder.deniedBy()).toContain('detect.secret.gitlab-pat')
})

const MIXED = {
  what: 'a stranger’s page',
  label: { integrity: 'untrusted', confidentiality: 'internal' },
} as const

test('what is to be held whatever is kept is not looked at before, nor what is denied', async () => {
  await scene.close()
  const forbidden = `${DEFAULTS}
    @id("no-deletes") forbid (principal, action == Sekisho::Action::"http.request", resource)
    when { context.http.path == "/other" };`
  scene = await Scene.start({
    rules: WIKI,
    bundle: bundleOf(forbidden),
    decision: { begins: [MIXED] },
  })
  scene.rig.control.answer = () => ({ kind: 'denied', reason: 'no' })
  expect(await send('DELETE /page?all=of-it')).toMatch(/^HTTP\/1.1 403 /)
  expect(await send('DELETE /other')).toMatch(/^HTTP\/1.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(scene.rig.keyholder.deniedBy()).toEqual(
    expect.arrayContaining(['rule-of-two', 'no-deletes']),
  )
})

test('with a yes it is looked at, kept and done', async () => {
  await scene.close()
  const decision = { begins: [MIXED] }
  scene = await Scene.start({ rules: WIKI, bundle: bundleOf(DEFAULTS), decision })
  answerGet(200, 'the page', { etag: '"v1"' })
  scene.rig.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  expect(await send('DELETE /page')).toMatch(/^HTTP\/1.1 204 /)
  expect(asked(scene.canary)).toEqual(['GET /page', 'DELETE /page'])
  expect(fieldsOf(1)['if-match']).toBe('"v1"')
  expect(preImages()).toHaveLength(1)
  expect(scene.rig.keyholder.intents().at(-1)?.facts?.reversibility).toBe('reversible')
})

test('looks count for the limit of requests', async () => {
  await scene.close()
  const limits = { egressRequests: 3 }
  scene = await Scene.start({ rules: WIKI, bundle: bundleOf(DEFAULTS), limits })
  scene.rig.control.answer = () => ({ kind: 'denied', reason: 'no' })
  answerGet(200, 'the page')
  expect(await send('DELETE /a')).toMatch(/^HTTP\/1.1 204 /)
  expect(await send('DELETE /b')).toMatch(/^HTTP\/1.1 403 /)
  expect(asked(scene.canary)).toEqual(['GET /a', 'DELETE /a'])
})
