import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../bin/sekisho')
const MAIN = `process.stdout.write(JSON.stringify({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  cache: process.env['NODE_COMPILE_CACHE'] ?? null,
  options: process.env['NODE_OPTIONS'] ?? null,
}))
process.exit(7)
`

let clone = ''

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'a clone '))
  for (const directory of ['packages/sekisho/bin', 'packages/sekisho/src', 'node_modules/.bin']) {
    mkdirSync(join(clone, directory), { recursive: true })
  }
  mkdirSync(join(clone, '.runtime/compile-cache'), { recursive: true })
  symlinkSync(process.execPath, join(clone, '.runtime/node'))
  symlinkSync('../packages/sekisho', join(clone, 'node_modules/sekisho'))
  symlinkSync('../sekisho/bin/sekisho', join(clone, 'node_modules/.bin/sekisho'))
  mkdirSync(join(clone, 'home/bin'), { recursive: true })
  symlinkSync(join(clone, 'node_modules/.bin/sekisho'), join(clone, 'home/bin/sekisho'))
  // A project of the user's own, where a careless look beside the link would find it.
  mkdirSync(join(clone, 'home/src'))
  writeFileSync(join(clone, 'home/src/main.ts'), 'process.exit(99)')
  copyFileSync(LAUNCHER, join(clone, 'packages/sekisho/bin/sekisho'))
  chmodSync(join(clone, 'packages/sekisho/bin/sekisho'), 0o755)
  writeFileSync(join(clone, 'packages/sekisho/src/main.ts'), MAIN)
})
afterEach(() => rmSync(clone, { recursive: true }))

test.for([
  { name: 'its own path', command: 'packages/sekisho/bin/sekisho', cwd: '/' },
  { name: 'npm’s link', command: 'node_modules/.bin/sekisho', cwd: '/' },
  { name: 'a link to npm’s link', command: 'home/bin/sekisho', cwd: '/' },
])('it starts main.ts by $name, from any directory', ({ command, cwd }) => {
  const { status, stdout } = launch(join(clone, command), { cwd })
  expect(status).toBe(7)
  expect(JSON.parse(stdout)).toMatchObject({ argv: ['run', '--', 'two words', ''], cwd })
})

test('it starts main.ts by a relative path, and by name in its own directory', () => {
  const cwd = join(clone, 'packages/sekisho/bin')
  expect(launch('./sekisho', { cwd }).status).toBe(7)
  expect(launch('/bin/sh', { cwd, first: ['sekisho'] }).status).toBe(7)
})

test('it starts main.ts by a search of PATH', () => {
  const PATH = `${join(clone, 'node_modules/.bin')}:/usr/bin:/bin`
  expect(launch('sekisho', { cwd: '/', env: { PATH } }).status).toBe(7)
})

test('the compile cache lies in the clone, and no NODE_OPTIONS reach the platform', () => {
  const env = { NODE_OPTIONS: '--require=/nowhere/evil.cjs' }
  const { stdout } = launch(join(clone, 'packages/sekisho/bin/sekisho'), { cwd: clone, env })
  const { cache, options } = JSON.parse(stdout)
  expect(options).toBeNull()
  expect(cache.endsWith('/.runtime/compile-cache')).toBe(true)
})

test('a clone that is not set up says what to do', () => {
  rmSync(join(clone, '.runtime/node'))
  const { status, stderr } = launch(join(clone, 'node_modules/.bin/sekisho'), { cwd: '/' })
  expect(status).toBe(3)
  expect(stderr).toBe(
    'sekisho: this clone is not set up: run `npm start` once in its top directory\n',
  )
})

function launch(
  command: string,
  { cwd, env = {}, first = [] }: { cwd: string; env?: Record<string, string>; first?: string[] },
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(command, [...first, 'run', '--', 'two words', ''], {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
}
