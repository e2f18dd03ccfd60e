import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mountDetached, reconfigure } from './detached-mount.ts'
import { attachTree, unmount } from './mounts.ts'

let directory = ''
const owned: number[] = []
const mounted: string[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'detached-'))
})
afterEach(() => {
  for (const target of mounted.splice(0)) unmount(target)
  for (const fd of owned.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

function tmpfs(more: Partial<Parameters<typeof mountDetached>[0]> = {}): number {
  const fd = mountDetached({ type: 'tmpfs', options: { size: '64k', mode: '0711' }, ...more })
  owned.push(fd)
  return fd
}

const mountinfo = (): string[] => readFileSync('/proc/self/mountinfo', 'utf8').split('\n')

function place(fd: number): string {
  attachTree(fd, directory)
  mounted.push(directory)
  return directory
}

test('a detached mount is reached by its descriptor and stands in no list of mounts', () => {
  const fd = tmpfs()
  writeFileSync(`/proc/self/fd/${fd}/file`, 'x')
  expect(readdirSync(`/proc/self/fd/${fd}/`)).toEqual(['file'])
  // by its device: other programs mount what they like meanwhile
  const { dev } = statSync(`/proc/self/fd/${fd}/`)
  const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00)
  const lines = (): string[] => mountinfo().filter((line) => line.split(' ')[2] === `0:${minor}`)
  expect(lines()).toEqual([])
  const target = place(fd)
  expect(lines()).toEqual([expect.stringContaining(` ${target} `)])
})

test('a placed one stays when its descriptor is closed, without devices and set-user-id bits', () => {
  const target = place(tmpfs())
  for (const fd of owned.splice(0)) closeSync(fd)
  const line = mountinfo().find((candidate) => candidate.includes(` ${target} `))
  expect(line).toMatch(/ rw,nosuid,nodev,relatime .* tmpfs none rw,size=64k,mode=711/)
})

test('one to be read can neither be written nor executed from', () => {
  const target = place(tmpfs({ readOnly: true, noExec: true }))
  expect(() => writeFileSync(join(target, 'file'), '')).toThrow('EROFS')
  const line = mountinfo().find((candidate) => candidate.includes(` ${target} `))
  expect(line).toMatch(/ ro,nosuid,nodev,noexec,relatime .* tmpfs none ro,/)
})

test.for([
  { name: 'not reachable', hasDevices: false, outcome: 'EACCES' },
  { name: 'reachable where it is asked for', hasDevices: true, outcome: 'opened' },
])('a device node is $name', ({ hasDevices, outcome }) => {
  const target = place(tmpfs({ hasDevices }))
  execFileSync('mknod', [join(target, 'null'), 'c', '1', '3'])
  const attempt = (): string => {
    try {
      closeSync(openSync(join(target, 'null'), 'r'))
      return 'opened'
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error)
    }
  }
  expect(attempt()).toBe(outcome)
})

test('options change for a file system that is in use', () => {
  const target = place(tmpfs())
  writeFileSync(join(target, 'file'), 'x')
  reconfigure(target, { size: '128k', nr_inodes: '7' })
  const { blocks, bsize, files } = statfsSync(target)
  expect([blocks * bsize, files]).toEqual([128 * 1024, 7])
  expect(() => reconfigure(target, { nr_inodes: '1' })).toThrow('Too few inodes for current use')
  expect(() => reconfigure(join(target, 'file'), { size: '1m' })).toThrow('fspick: EINVAL')
})

test.for([
  ['an option’s value', { type: 'tmpfs', options: { size: 'large' } }, "Bad value for 'size'"],
  [
    'an unknown option',
    { type: 'tmpfs', options: { taste: 'sweet' } },
    "Unknown parameter 'taste'",
  ],
  ['a word without its value', { type: 'tmpfs', options: { size: true } }, 'size'],
] as const)('%s that is refused is named', ([, system, words]) => {
  expect(() => mountDetached(system)).toThrow(
    expect.objectContaining({ code: 'SANDBOX_FAILED', message: expect.stringContaining(words) }),
  )
})

test('an unknown file system is something that the host lacks', () => {
  expect(() => mountDetached({ type: 'nofs', options: {} })).toThrow(
    expect.objectContaining({ code: 'HOST_UNSUPPORTED' }),
  )
})
