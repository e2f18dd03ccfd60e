import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packagesFor } from './debian-packages.mjs'
import { missingPackages } from './debian.mjs'
import { matches, npmCommand } from './modules.mjs'
import { checkPlatform } from './platform.mjs'
import { excerptOf } from './report.mjs'

const machine = { platform: 'linux', arch: 'x64', version: '20.0.0', debian: true }

let clone = ''
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'a clone '))
})
afterEach(() => rmSync(clone, { recursive: true }))

test('a Debian machine with Node 20 will do', () => {
  expect(() => checkPlatform(machine)).not.toThrow()
})

test.for([
  { but: { arch: 'arm64' }, says: 'Sekisho needs Linux on x86-64; this is linux arm64' },
  { but: { platform: 'darwin' }, says: 'Sekisho needs Linux on x86-64; this is darwin x64' },
  { but: { version: '18.20.4' }, says: 'set-up needs Node 20 or later; this is 18.20.4' },
  { but: { debian: false }, says: 'Sekisho needs Debian 12 or a relative of it' },
])('a machine with $but is refused', ({ but, says }) => {
  expect(() => checkPlatform({ ...machine, ...but })).toThrow(says)
})

const lock = {
  '': { version: '0.1.0' },
  'packages/a': { version: '0.1.0' },
  'node_modules/a': { resolved: 'packages/a', link: true },
  'node_modules/b': { version: '1.0.0', integrity: 'sha512-b' },
  'node_modules/c-win32': { version: '1.0.0', integrity: 'sha512-c', optional: true },
}
const installed = {
  'node_modules/a': { resolved: 'packages/a', link: true },
  'node_modules/b': { version: '1.0.0', integrity: 'sha512-b' },
}

test.for([
  { name: 'what the lock file says', tree: installed, want: true },
  {
    name: 'an optional package for this platform',
    tree: { ...installed, 'node_modules/c-win32': lock['node_modules/c-win32'] },
    want: true,
  },
  { name: 'nothing', tree: {}, want: false },
  {
    name: 'another version',
    tree: { ...installed, 'node_modules/b': { version: '1.0.1', integrity: 'sha512-b' } },
    want: false,
  },
  {
    name: 'the same version with another content',
    tree: { ...installed, 'node_modules/b': { version: '1.0.0', integrity: 'sha512-x' } },
    want: false,
  },
  {
    name: 'a link to another workspace',
    tree: { ...installed, 'node_modules/a': { resolved: 'packages/b', link: true } },
    want: false,
  },
  {
    name: 'a package that the lock file does not know',
    tree: { ...installed, 'node_modules/d': { version: '1.0.0', integrity: 'sha512-d' } },
    want: false,
  },
])('node_modules with $name is current: $want', ({ tree, want }) => {
  expect(matches(lock, tree)).toBe(want)
})

test.for([
  {
    name: 'the npm that runs us, on its own Node',
    env: { npm_execpath: '/npm/cli.js', npm_node_execpath: '/bin/node' },
    want: ['/bin/node', '/npm/cli.js'],
  },
  { name: 'an npm that is no script', env: { npm_execpath: '/bin/npm' }, want: ['/bin/npm'] },
  { name: 'the npm in PATH outside npm', env: {}, want: ['npm'] },
])('set-up uses $name', ({ env, want }) => {
  expect(npmCommand(env)).toEqual(want)
})

test('only packages that are not installed are missing, in their order', () => {
  expect(missingPackages(['no-such-b', 'dpkg', 'no-such-a'])).toEqual(['no-such-b', 'no-such-a'])
})

test('the tests need what the platform needs', () => {
  expect(packagesFor('test')).toEqual(expect.arrayContaining([...packagesFor('start')]))
})

test('a long output is shown from both ends', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`)
  const shown = excerptOf(['npm warn old', ...lines].join('\n')).split('\n')
  expect([shown.at(0), shown.at(16), shown.at(-1)]).toEqual(['  line 0', '  …', '  line 99'])
  expect(shown).toHaveLength(33)
})

test('an unknown command is a usage error', () => {
  const entry = join(import.meta.dirname, '..', 'setup.mjs')
  const done = spawnSync(process.execPath, [entry, 'tests'], { encoding: 'utf8' })
  expect(done.status).toBe(64)
  expect(done.stderr).toContain('want one of start, check, test, tools, bench')
  expect(done.stdout).toBe('')
})

test('a second set-up waits, and goes on when the first is killed', async () => {
  const first = holdLock(clone)
  await said(first, 'held')
  const second = holdLock(clone)
  await said(second, 'another set-up works in this clone')
  first.kill('SIGKILL')
  await said(second, 'held')
  second.kill('SIGKILL')
  await once(second, 'exit')
})

function holdLock(root: string): ReturnType<typeof spawn> {
  const code = `
    const { takeLock } = await import(${JSON.stringify(join(import.meta.dirname, 'lock.mjs'))})
    takeLock(process.argv[1])
    process.stderr.write('held')
    setInterval(() => undefined, 1000)`
  return spawn(process.execPath, ['--input-type=module', '-e', code, root], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

async function said(child: ReturnType<typeof spawn>, words: string): Promise<void> {
  let text = ''
  for await (const chunk of child.stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    text += String(chunk)
    if (text.includes(words)) return
  }
  throw new Error(`it ended without saying ${words}: ${text}`)
}
