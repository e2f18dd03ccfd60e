import { afterEach, expect, test } from 'vitest'
import { get, HOST, head, NOTHING_LEAKED, OTHER, rule, Scene } from '../testing/scene.ts'

let scene: Scene
afterEach(() => scene.close())

const RULES = [rule(), rule({ id: 'other', host: OTHER })]
const PLAN = {
  rules: 'all' as const,
  indexes: ['other'],
  private: [],
  startsPrivate: false,
  templates: [`https://${HOST}/items/{id:int}`],
  taskUrls: [`https://${HOST}/task`, `https://${OTHER}/index`],
}
const index = head('GET /index', `Host: ${OTHER}`, 'Accept-Encoding: gzip')
const SECRET = Buffer.from('what the session must keep').toString('base64url')

test.for([
  ['in the query', `/task?q=${SECRET}`],
  ['in the path', `/${SECRET}`],
  ['beside a template', `/items/1?q=${SECRET}`],
  ['as a number too long for its template', `/items/${'1'.repeat(30)}`],
] as const)('a URL built to carry data out %s: denied, recorded, no byte', async ([, path]) => {
  scene = await Scene.start({ rules: RULES, egress: { provenance: PLAN } })
  expect(await scene.rig.send(HOST, get(path))).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['provenance.unknown-url'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('URLs of the task and of a template pass', async () => {
  scene = await Scene.start({ rules: RULES, egress: { provenance: PLAN } })
  for (const path of ['/task', '/items/42']) {
    expect(await scene.rig.send(HOST, get(path))).toMatch(/^HTTP\/1\.1 200 /)
  }
})

test('a link of an index is known from then on, and not before', async () => {
  scene = await Scene.start({ rules: RULES, egress: { provenance: PLAN } })
  scene.other.handler = (_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<a href="https://${HOST}/linked">x</a>`)
  }
  expect(await scene.rig.send(HOST, get('/linked'))).toMatch(/^HTTP\/1\.1 403 /)
  await scene.rig.send(OTHER, index)
  expect(await scene.rig.send(HOST, get('/linked'))).toMatch(/^HTTP\/1\.1 200 /)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['provenance.unknown-url'])
})

test('after a private reply no index teaches anything', async () => {
  const provenance = { ...PLAN, private: ['api'] }
  scene = await Scene.start({ rules: RULES, egress: { provenance } })
  scene.other.handler = (_request, response) => response.end(`see https://${HOST}/linked`)
  await scene.rig.send(HOST, get('/task'))
  await scene.rig.send(OTHER, index)
  expect(await scene.rig.send(HOST, get('/linked'))).toMatch(/^HTTP\/1\.1 403 /)
})

test('where a known URL redirects to is known', async () => {
  scene = await Scene.start({ rules: RULES, egress: { provenance: PLAN } })
  scene.canary.handler = (_request, response) => {
    response.writeHead(302, { location: '/moved?to=here' })
    response.end()
  }
  await scene.rig.send(HOST, get('/task'))
  scene.canary.handler = (_request, response) => response.end('hello')
  expect(await scene.rig.send(HOST, get('/moved?to=here'))).toMatch(/^HTTP\/1\.1 200 /)
})

const BUDGET = { host: HOST, bytesOut: null, distinctUrls: null, urlEntropyBits: null }

test('a host learns no more URLs than its budget has', async () => {
  scene = await Scene.start({ rules: RULES, egress: { budgets: [{ ...BUDGET, distinctUrls: 2 }] } })
  const replies: string[] = []
  for (const path of ['/a', '/b', '/a', '/c']) {
    replies.push((await scene.rig.send(HOST, get(path))).slice(9, 12))
  }
  expect(replies).toEqual(['200', '200', '200', '403'])
  expect(scene.canary.requests.map(({ url }) => url)).toEqual(['/a', '/b', '/a'])
  expect(scene.rig.keyholder.deniedBy()).toEqual(['budget.distinct-urls'])
  expect(await scene.rig.send(OTHER, index)).toMatch(/^HTTP\/1\.1 200 /)
})

test('a host learns no more bytes than its budget has, bodies included', async () => {
  scene = await Scene.start({ rules: RULES, egress: { budgets: [{ ...BUDGET, bytesOut: 1000 }] } })
  const post = (length: number): string =>
    head('POST /x', `Host: ${HOST}`, `Content-Length: ${length}`) + 'a'.repeat(length)
  expect(await scene.rig.send(HOST, post(500))).toMatch(/^HTTP\/1\.1 200 /)
  expect(await scene.rig.send(HOST, post(500))).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.canary.requests.map(({ body }) => body.length)).toEqual([500])
  expect(scene.rig.keyholder.deniedBy()).toEqual(['budget.bytes-out'])
})
