import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { unmount } from '../kernel/mounts.ts'
import { openUserNamespace } from '../kernel/user-namespace.ts'
import { makeScratch, type Scratch, SCRATCH_PARTS } from './scratch.ts'
import { AGENT, asAgent } from './testing/disks.ts'

const ROOT = AGENT - 1000
const LIMITS = { tmpBytes: 2 * 2 ** 20, tmpInodes: 100 }
const mounted: string[] = []
let root = ''
let scratch: Scratch
let other: Scratch

function make(name: string): Scratch {
  mkdirSync(join(root, name))
  mounted.push(join(root, name))
  return makeScratch(join(root, name), { rootUid: ROOT, agentUid: AGENT })
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'scratch-'))
  chmodSync(root, 0o755)
  scratch = make('scratch')
  other = make('other')
  for (const each of [scratch, other]) each.limit(LIMITS)
})
afterEach(() => {
  for (const target of mounted.splice(0)) unmount(target) // with what is mounted below
  rmSync(root, { recursive: true })
})

const part = (name: string): string => join(scratch.path, name)

test('each part has its owner and mode, as host ids', () => {
  const parts = SCRATCH_PARTS.map((name) => {
    const { uid, gid, mode } = statSync(part(name))
    return [name, uid, gid, (mode & 0o7777).toString(8)]
  })
  expect(parts).toEqual([
    ['tmp', ROOT, ROOT, '1777'],
    ['home', AGENT, AGENT, '700'],
    ['run', AGENT, AGENT, '755'],
    ['shm', ROOT, ROOT, '1777'],
  ])
  expect([statSync(scratch.path).uid, statSync(scratch.path).mode & 0o7777]).toEqual([ROOT, 0o755])
  expect(scratch.usage()).toEqual({
    bytes: 0,
    inodes: 0,
    bytesFree: LIMITS.tmpBytes,
    inodesFree: LIMITS.tmpInodes,
  })
})

test.for(SCRATCH_PARTS)('an agent that fills %s gets ENOSPC at the limit, in all parts', (name) => {
  const { said } = asAgent(part(name), 'cat /dev/zero > fill')
  expect(said).toMatch(/No space left on device/)
  expect(statSync(part(`${name}/fill`)).size).toBe(LIMITS.tmpBytes)
  expect(scratch.usage()).toMatchObject({ bytes: LIMITS.tmpBytes, bytesFree: 0 })
  for (const each of SCRATCH_PARTS) {
    expect(asAgent(part(each), 'head -c 1 /dev/zero > more').said).toMatch(/No space left/)
  }
  expect(asAgent(join(other.path, name), 'echo mine > mine && cat mine').said).toBe('mine\n')
})

test.for(SCRATCH_PARTS)('an agent that makes files without contents in %s is stopped', (name) => {
  const { said } = asAgent(part(name), 'i=0; while : > f$i; do i=$((i+1)); done')
  expect(said).toBe(`sh: 1: cannot create f${LIMITS.tmpInodes}: No space left on device\n`)
  expect(scratch.usage()).toMatchObject({ inodes: LIMITS.tmpInodes, inodesFree: 0 })
  expect(asAgent(join(other.path, name), ': > f && echo made').said).toBe('made\n')
})

test('links, directories and sockets count as files do', () => {
  asAgent(part('tmp'), 'for i in 1 2 3 4 5; do mkdir d$i; ln -s d$i l$i; mkfifo f$i; done')
  expect(scratch.usage()).toMatchObject({ inodes: 15 })
})

test.for([
  { name: 'tmp', outcome: 'ran\n' },
  { name: 'home', outcome: 'ran\n' },
  { name: 'run', outcome: /Permission denied/ },
  { name: 'shm', outcome: /Permission denied/ },
])('a program in $name: $outcome', ({ name, outcome }) => {
  const { said } = asAgent(part(name), 'printf "#!/bin/sh\\necho ran" > p; chmod 755 p; ./p')
  if (typeof outcome === 'string') expect(said).toBe(outcome)
  else expect(said).toMatch(outcome)
})

test('neither set-user-id bits nor devices count in it', () => {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const flags = lines
    .filter((line) => line.includes(` ${scratch.path}`))
    .map((line) => line.split(' ')[5])
  expect(flags).toEqual([
    'rw,nosuid,nodev,relatime',
    'rw,nosuid,nodev,noexec,relatime',
    'rw,nosuid,nodev,noexec,relatime',
  ])
})

test('limits change while files are there, but not below what is used', () => {
  asAgent(part('home'), 'head -c 1048576 /dev/zero > fill')
  scratch.limit({ tmpBytes: 2 ** 20, tmpInodes: 1 })
  expect(scratch.usage()).toEqual({ bytes: 2 ** 20, inodes: 1, bytesFree: 0, inodesFree: 0 })
  expect(() => scratch.limit({ tmpBytes: 4096, tmpInodes: 100 })).toThrow('Too small a size')
  scratch.limit(LIMITS)
  expect(asAgent(part('home'), 'cp fill again && echo copied').said).toBe('copied\n')
})

test('what holds before any limit was set is small', () => {
  expect(make('third').usage()).toMatchObject({ bytesFree: 2 ** 20, inodesFree: 1024 })
})

test('inside the session’s user namespace the agent owns what is its own', async () => {
  const map = [{ inside: 0, outside: ROOT, count: 2000 }]
  const namespace = await openUserNamespace({ uid: map, gid: map })
  const argv = ['--user=/proc/self/fd/3', '--setuid=1000', '--setgid=1000', 'sh', '-ec']
  const inside = 'id -u; stat -c "%u %a" home tmp; touch home/mine tmp/mine && stat -c %u home/mine'
  const said = execFileSync('nsenter', [...argv, inside], {
    cwd: scratch.path,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', namespace],
  })
  closeSync(namespace)
  expect(said).toBe('1000\n1000 700\n0 1777\n1000\n')
})
