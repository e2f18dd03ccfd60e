import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { type Ended, type Instance, openInstance, run } from './instance.ts'
import { startWiki, type Wiki, WIKI_HOST, WIKI_HOSTS, wikiAgent } from './wiki.ts'

const PAGES = 50
/** made up, and another with every run */
const TOKEN = `wiki-${randomBytes(24).toString('hex')}`

let directory: string
let wiki: Wiki
let instance: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-wiki-'))
  wiki = await startWiki(directory, TOKEN)
  instance = await openInstance({
    agents: {
      gardener: wikiAgent(wiki, { name: 'gardener', isKept: true }),
      careless: wikiAgent(wiki, { name: 'careless', isKept: false }),
    },
    secrets: { WIKI_TOKEN: TOKEN },
    bundle: { 'hosts.yaml': WIKI_HOSTS, 'approvals.yaml': { version: 1, timeout: '2s' } },
  })
})
afterAll(async () => {
  await instance?.close()
  await wiki?.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(() => {
  wiki.pages.clear()
  wiki.failing.clear()
  wiki.arrived.length = 0
  for (let at = 0; at < PAGES; at++) wiki.pages.set(`/pages/${at}`, randomBytes(64 * (at + 1)))
})

const CURL = `curl -sS -o /dev/null -w '%{http_code}\\n' -H "Authorization: Bearer $WIKI_TOKEN"`

function asAgent(script: string, agent = 'gardener'): Promise<Ended> {
  return run(instance, ['sh', '-c', script], { flags: ['--agent', agent] })
}

function deleteAll(agent = 'gardener'): Promise<Ended> {
  const loop = `for n in $(seq 0 ${PAGES - 1}); do ${CURL} -X DELETE https://${WIKI_HOST}/pages/$n; done`
  return asAgent(loop, agent)
}

function digests(): Record<string, string> {
  const all = [...wiki.pages].map(([path, page]): [string, string] => [
    path,
    createHash('sha256').update(page).digest('hex'),
  ])
  return Object.fromEntries(all.toSorted(([a], [b]) => a.localeCompare(b)))
}

const Leaf = z.looseObject({ type: z.string(), session: z.string().nullish() })
type Leaf = z.infer<typeof Leaf>

async function leaves(): Promise<Leaf[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.trimEnd().split('\n')
  return lines.map((line) => z.object({ leaf: Leaf }).parse(JSON.parse(line)).leaf)
}

/** The session that began last and restores nothing. */
async function lastSession(): Promise<string> {
  const starts = (await leaves()).filter((leaf) => leaf.type === 'session.start')
  return starts.findLast((leaf) => leaf['restores'] === undefined)?.session ?? ''
}

const Restored = z.object({
  of: z.string(),
  sessions: z.array(z.string()),
  resources: z.array(
    z.object({
      id: z.string(),
      url: z.string(),
      did: z.string(),
      detail: z.string(),
      keptBack: z.int(),
    }),
  ),
})

async function restore(
  ...args: string[]
): Promise<{ code: number | null; counts: Record<string, number>; session: string }> {
  const { code, stdout, stderr } = await instance.sekisho('restore', ...args, '--json')
  if (stdout === '') throw new Error(stderr)
  const { resources, sessions } = Restored.parse(JSON.parse(stdout))
  const counts = Map.groupBy(resources, ({ did }) => did)
  return {
    code,
    counts: Object.fromEntries([...counts].map(([did, some]) => [did, some.length])),
    session: sessions[0] ?? '',
  }
}

test('fifty deleted pages are there again, byte by byte, on record, and a second time nothing is done', async () => {
  const before = digests()
  const deleted = await deleteAll()
  expect(deleted.stdout).toBe('204\n'.repeat(PAGES))
  expect(wiki.pages.size).toBe(0)
  const session = await lastSession()

  expect(await restore(session, '--dry-run')).toMatchObject({
    code: 0,
    counts: { 'would-restore': PAGES },
  })
  expect(wiki.pages.size).toBe(0)

  const restored = await restore(session)
  expect(restored).toMatchObject({ code: 0, counts: { restored: PAGES } })
  expect(digests()).toEqual(before)

  const puts = wiki.arrived.filter((line) => line.startsWith('PUT ')).length
  expect(await restore(session)).toMatchObject({ code: 0, counts: { unchanged: PAGES } })
  expect(wiki.arrived.filter((line) => line.startsWith('PUT ')).length).toBe(puts)

  const all = await leaves()
  expect(all.filter(({ type }) => type === 'action.preimage')).toHaveLength(PAGES)
  const own = all.filter((leaf) => leaf.session === restored.session)
  expect(own[0]).toMatchObject({ type: 'session.start', restores: session, runtime: 'none' })
  expect(own.at(-1)).toMatchObject({ type: 'session.end', exitCode: 0 })
  const intents = own.filter(({ type }) => type === 'action.intent')
  const outcomes = own.filter(({ type }) => type === 'action.outcome')
  expect([intents.length, outcomes.length]).toEqual([3 * PAGES, 3 * PAGES])
  expect(new Set(intents.map((leaf) => JSON.stringify(leaf['verdict'])))).toEqual(
    new Set([JSON.stringify({ kind: 'allow', rules: ['admin.restore'] })]),
  )
  expect(JSON.stringify(all)).not.toContain(TOKEN)
  const verified = await instance.sekisho('log', 'verify')
  expect(verified.stdout + verified.stderr).toMatch(/^sound: /)
})

test('one action is taken back, and what somebody else has changed since stays unless forced', async () => {
  const [first, second] = [wiki.pages.get('/pages/1'), wiki.pages.get('/pages/2')]
  await asAgent(`
    ${CURL} -X DELETE https://${WIKI_HOST}/pages/1
    ${CURL} -X PUT --data-binary 'by the agent' https://${WIKI_HOST}/pages/2
    ${CURL} -X PUT --data-binary 'made by the agent' https://${WIKI_HOST}/pages/new
  `)
  const session = await lastSession()
  const kept = (await leaves()).filter(
    (leaf) => leaf.type === 'action.preimage' && leaf.session === session,
  )
  expect(kept).toHaveLength(3)
  const id = z.string().parse(kept[0]?.['id'])
  expect(await restore(id)).toMatchObject({ code: 0, counts: { restored: 1 } })
  expect(wiki.pages.get('/pages/1')).toEqual(first)
  expect(wiki.pages.get('/pages/2')?.toString()).toBe('by the agent')

  wiki.pages.set('/pages/2', Buffer.from('by somebody else'))
  expect(await restore(session)).toMatchObject({
    code: 1,
    counts: { unchanged: 1, restored: 1, 'changed-since': 1 },
  })
  expect(wiki.pages.has('/pages/new')).toBe(false)
  expect(wiki.pages.get('/pages/2')?.toString()).toBe('by somebody else')
  expect(await restore(session, '--force')).toMatchObject({
    code: 0,
    counts: { unchanged: 2, restored: 1 },
  })
  expect(wiki.pages.get('/pages/2')).toEqual(second)
})

test('what cannot be read is not deleted: it waits for a yes that does not come', async () => {
  wiki.failing.set('GET', 500)
  const { stdout } = await asAgent(`${CURL} -X DELETE https://${WIKI_HOST}/pages/1`)
  expect(stdout).toBe('403\n')
  expect(wiki.arrived).toEqual(['GET /pages/1'])
  expect(wiki.pages.size).toBe(PAGES)
  const session = await lastSession()
  const own = (await leaves()).filter((leaf) => leaf.session === session)
  expect(own.map(({ type }) => type)).toEqual(expect.arrayContaining(['action.held']))
  const denied = own.find(
    (leaf) => leaf.type === 'action.intent' && JSON.stringify(leaf).includes('"method":"DELETE"'),
  )
  expect(denied).toMatchObject({
    verdict: { kind: 'deny' },
    facts: { reversibility: 'irreversible' },
  })
  expect((await instance.sekisho('restore', session)).code).toBe(2)
})

test('without `recovery` on the rule nothing is kept, and nobody brings anything back', async () => {
  const { stdout } = await deleteAll('careless')
  expect(stdout).toBe('204\n'.repeat(PAGES))
  const { code, stderr } = await instance.sekisho('restore', await lastSession())
  expect(code).toBe(2)
  expect(stderr).toContain('nothing was kept before')
  expect(wiki.pages.size).toBe(0)
})
