import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { makeTar } from '../../detect/packages/testing/make-tar.ts'
import type { PackagePlan } from '../../wire/packages.ts'
import { HOST, head, NOTHING_LEAKED, type Scene } from '../testing/scene.ts'
import { ago, DAY_MS, FirewallScene, statusOf, tarball } from './testing/firewall-scene.ts'
import { type FakeRegistry, packNpm } from './testing/registry.ts'

let firewall: FirewallScene
let scene: Scene
let registry: FakeRegistry

async function open(...how: Parameters<typeof FirewallScene.start>): Promise<void> {
  firewall = await FirewallScene.start(...how)
  ;({ scene, registry } = firewall)
}
afterEach(() => scene.close())

const ask = (path: string, ...fields: string[]): Promise<string> => firewall.ask(path, ...fields)
const installs = (): string[] => firewall.installs()

test('a well-known package of old comes through, recorded as what it is', async () => {
  await open()
  registry.add('lodash', '1.0.0')
  expect(await ask('/lodash')).toContain('"1.0.0"')
  expect(statusOf(await ask(tarball('lodash')))).toBe(200)
  expect(scene.rig.keyholder.intents().at(-1)).toMatchObject({
    action: {
      kind: 'package.install',
      ecosystem: 'npm',
      name: 'lodash',
      version: '1.0.0',
      host: HOST,
      file: '/lodash/-/lodash-1.0.0.tgz',
    },
    verdict: { kind: 'allow', rules: ['npm'] },
  })
  expect(installs()).toEqual(['allow, npm'])
})

test('a look-alike is denied, recorded, and nothing of it reaches the registry', async () => {
  await open()
  registry.add('lodahs', '1.0.0')
  const reply = await ask(tarball('lodahs'))
  expect(statusOf(reply)).toBe(403)
  expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden: the name of the package is one slip away/)
  expect(reply).toMatch(/\r\nx-sekisho-rule: packages\.typo\r\n/)
  expect(reply).toContain('{"error":"sekisho_denied","message":"the name of the package')
  expect(installs()).toEqual([
    'deny, packages.typo, packages.unknown recorded, packages.typo denied, packages.ageUnknown recorded',
  ])
  expect(scene.rig.keyholder.intents()[1]?.verdict).toMatchObject({
    reason: expect.stringMatching(
      /^npm package lodahs 1\.0\.0: it is one slip away from lodash, which npm-high-impact \d/,
    ),
  })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a young version is held, once the registry has said when it was published', async () => {
  await open()
  registry.add('lodash', '1.0.0', { published: ago(2 * DAY_MS) })
  registry.add('lodash', '0.9.0', { published: ago(4 * DAY_MS) })
  await ask('/lodash')
  expect(statusOf(await ask(tarball('lodash')))).toBe(403)
  expect(statusOf(await ask(tarball('lodash', '0.9.0')))).toBe(200)
  expect(registry.asked).toEqual(['/lodash', '/lodash/-/lodash-0.9.0.tgz'])
  expect(installs()).toEqual(['deny, packages.young, packages.young held', 'allow, npm'])
})

test('a look-alike of years is let through and recorded', async () => {
  await open()
  registry.add('lodahs', '1.0.0')
  await ask('/lodahs')
  expect(statusOf(await ask(tarball('lodahs')))).toBe(200)
  expect(installs()).toEqual(['allow, npm, packages.typo recorded'])
})

test('a name that nobody knows is denied where the plan says so', async () => {
  await open({ unknown: 'deny' })
  registry.add('our-very-own-thing', '1.0.0')
  expect(statusOf(await ask(tarball('our-very-own-thing')))).toBe(403)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  await ask('/our-very-own-thing') // the registry describes it: it is known
  expect(statusOf(await ask(tarball('our-very-own-thing')))).toBe(200)
  expect(statusOf(await ask('/no-such-thing-anywhere'))).toBe(404)
  expect(statusOf(await ask(tarball('no-such-thing-anywhere')))).toBe(403)
  registry.packages.delete('our-very-own-thing') // and now it is gone
  expect(statusOf(await ask('/our-very-own-thing'))).toBe(404)
  expect(statusOf(await ask(tarball('our-very-own-thing')))).toBe(403)
  expect(installs().map((said) => said.split(',')[0])).toEqual(['deny', 'allow', 'deny', 'deny'])
})

test('an age that nobody told is denied where the plan says so', async () => {
  await open({ ageUnknown: 'deny' })
  registry.add('lodash', '1.0.0')
  expect(statusOf(await ask(tarball('lodash')))).toBe(403)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  await ask('/lodash')
  expect(statusOf(await ask(tarball('lodash')))).toBe(200)
})

test('install scripts that the registry tells of are denied before the file is asked for', async () => {
  await open({ installScripts: 'deny' })
  registry.add('esbuild', '1.0.0', { scripts: { postinstall: 'node install.js' } })
  await ask('/esbuild')
  expect(statusOf(await ask(tarball('esbuild')))).toBe(403)
  expect(registry.asked).toEqual(['/esbuild'])
  expect(installs()).toEqual(['deny, packages.installScripts, packages.installScripts denied'])
})

test.for([
  ['a package.json', packNpm({ name: 'esbuild', scripts: { preinstall: 'x' } })],
  ['a binding.gyp', packNpm({ name: 'esbuild' }, [{ path: 'package/binding.gyp', content: '{}' }])],
  ['an archive that cannot be read', gzipSync(Buffer.alloc(1024, 1))],
  ['no archive at all', Buffer.from('nothing')],
  ['an archive that breaks off', packNpm({ name: 'esbuild' }).subarray(0, 60)],
] as const)('%s that only the file has is withheld', async ([, file]) => {
  await open({ installScripts: 'deny' })
  registry.add('esbuild', '1.0.0', { tarball: file })
  await ask('/esbuild') // says nothing of scripts: it need not be what the file says
  const reply = await ask(tarball('esbuild'))
  expect(statusOf(reply)).toBe(403)
  expect(reply).not.toContain(file.toString('latin1'))
  expect(installs()).toEqual([
    'allow, npm',
    'deny, packages.installScripts, packages.installScripts denied',
  ])
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 3)
  expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'failed',
    code: 'PACKAGE_WITHHELD',
  })
})

test('a file that shows no scripts comes through whole after it has been looked at', async () => {
  await open({ installScripts: 'deny' })
  const big = { path: 'package/big.bin', content: Buffer.from('0123456789abcdef'.repeat(40_000)) }
  const file = packNpm({ name: 'lodash', scripts: { test: 'x' } }, [big])
  registry.add('lodash', '1.0.0', { tarball: file })
  registry.fields.set(tarball('lodash'), { 'content-length': String(file.length), etag: '"x"' })
  const reply = await ask(tarball('lodash'))
  expect(reply).toMatch(/\r\netag: "x"\r\n/)
  expect(Buffer.from(reply.slice(reply.indexOf('\r\n\r\n') + 4), 'latin1').equals(file)).toBe(true)
})

test('a tar that is not packed is looked at too', async () => {
  await open({ installScripts: 'deny' })
  const entry = { path: 'x/package.json', content: '{"scripts":{"install":"x"}}' }
  registry.add('lodash', '1.0.0', { tarball: makeTar([entry]) })
  expect(statusOf(await ask(tarball('lodash')))).toBe(403)
})

test('a part of a file is not asked for, and one that comes all the same is withheld', async () => {
  await open({ installScripts: 'deny' })
  registry.add('lodash', '1.0.0')
  await ask(tarball('lodash'), 'Range: bytes=100-', 'If-Range: "x"')
  const sent = scene.canary.requests.at(-1)?.rawHeaders ?? []
  expect(sent.map((text) => text.toLowerCase())).not.toContain('range')
  scene.canary.handler = (_, response) => void response.writeHead(206).end(packNpm({}))
  expect(statusOf(await ask(tarball('lodash')))).toBe(403)
})

test('a file that the registry has elsewhere is withheld', async () => {
  await open({ installScripts: 'deny' })
  scene.canary.handler = (_, response) =>
    void response.writeHead(302, { location: 'https://elsewhere.example/x.tgz' }).end()
  expect(await ask(tarball('lodash'))).not.toContain('elsewhere')
})

test('scripts that are only recorded are found in the file when nothing else told', async () => {
  await open()
  registry.add('esbuild', '1.0.0', { scripts: { postinstall: 'x' } })
  expect(statusOf(await ask(tarball('esbuild')))).toBe(200)
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 3)
  expect(installs()).toEqual([
    'allow, npm, packages.ageUnknown recorded',
    'allow, packages.installScripts, packages.installScripts recorded',
  ])
})

test('a packed packument is read as well as a plain one, and told apart from another’s', async () => {
  await open()
  const packument = (name: string): Buffer =>
    gzipSync(JSON.stringify({ name, versions: { '1.0.0': {} }, time: { '1.0.0': ago(DAY_MS) } }))
  scene.canary.handler = (request, response) => {
    if (request.url?.endsWith('.tgz') === true) return void response.end(packNpm({}))
    response.writeHead(200, { 'content-encoding': 'gzip' })
    response.end(packument(request.url === '/lodash' ? 'lodash' : 'other'))
  }
  await ask('/lodash', 'Accept-Encoding: gzip')
  await ask('/express', 'Accept-Encoding: gzip')
  await ask(tarball('lodash'))
  await ask(tarball('express'))
  expect(installs()).toEqual([
    'deny, packages.young, packages.young held',
    'allow, npm, packages.ageUnknown recorded',
  ])
})

test.for(['identity', 'gzip'])(
  'a packument of many megabytes (%s) passes whole',
  async (coding) => {
    await open()
    const versions = Array.from({ length: 5000 }, (_, at) => [
      `1.0.${at}`,
      { readme: randomBytes(500).toString('hex') },
    ])
    const time = { created: ago(900 * DAY_MS), '1.0.4999': ago(DAY_MS), '1.0.0': ago(900 * DAY_MS) }
    const text = Buffer.from(
      JSON.stringify({ name: 'lodash', versions: Object.fromEntries(versions), time }),
    )
    const body = coding === 'gzip' ? gzipSync(text) : text
    scene.canary.handler = (_, response) => {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': body.length })
      response.end(body)
    }
    const reply = await ask('/lodash', `Accept-Encoding: ${coding}`)
    expect(reply.length - reply.indexOf('\r\n\r\n') - 4).toBe(body.length)
    expect(statusOf(await ask(tarball('lodash', '1.0.4999')))).toBe(403)
    expect(installs()).toEqual(['deny, packages.young, packages.young held'])
  },
)

test('an abbreviated packument is not asked for: it has no times', async () => {
  await open()
  registry.add('lodash', '1.0.0')
  await ask(
    '/lodash',
    'Accept: application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*',
    'If-None-Match: "x"',
  )
  const { rawHeaders = [] } = scene.canary.requests.at(-1) ?? {}
  expect(rawHeaders.slice(-2)).toEqual(['Accept', 'application/json, application/json; q=0.8, */*'])
})

test.for([
  ['an encoded slash', '/lodash%2F-%2Flodash-1.0.0.tgz'],
  ['an empty segment', '/lodash//-/lodash-1.0.0.tgz'],
  ['another package’s file', '/lodash/-/lodahs-1.0.0.tgz'],
  ['a mirror’s binaries', '/-/binary/x/y.node'],
])('a request with %s is refused, recorded, and goes nowhere', async ([, path = '']) => {
  await open()
  const reply = await ask(path)
  expect(statusOf(reply)).toBe(403)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['packages.ambiguous'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

const excuse = (expiresAtMs: number | null): PackagePlan['exceptions'] => [
  { ecosystem: 'npm', name: 'lodah*', versions: [], checks: ['typo'], expiresAtMs },
]

test('an exception lets a look-alike through', async () => {
  await open({}, excuse(Date.now() + DAY_MS))
  registry.add('lodahs', '1.0.0')
  expect(statusOf(await ask(tarball('lodahs')))).toBe(200)
})

test('an exception that has expired does not', async () => {
  await open({}, excuse(Date.now() - 1))
  expect(statusOf(await ask(tarball('lodahs')))).toBe(403)
  expect(scene.rig.keyholder.intents()[1]?.verdict).toMatchObject({
    reason: expect.stringContaining('its exception expired'),
  })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('searches and the like pass as requests', async () => {
  await open()
  scene.canary.handler = (_, response) => void response.end('found')
  expect(await ask('/-/v1/search?text=x')).toContain('found')
  expect(await scene.rig.send(HOST, head('HEAD /lodash', `Host: ${HOST}`))).toMatch(/ 200 /)
  expect(installs()).toEqual([])
})

test('what cannot be recorded is not installed', async () => {
  await open()
  registry.add('lodash', '1.0.0')
  scene.rig.keyholder.beforeRecord = (leaf) => {
    if (leaf.type === 'action.intent' && leaf.action.kind === 'package.install')
      throw new Error('full')
  }
  expect(statusOf(await ask(tarball('lodash')))).toBe(503)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
