import { spawnSync } from 'node:child_process'
import { closeSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { listOpen } from './open-descriptors.ts'
import { type IdMaps, openUserNamespace } from './user-namespace.ts'

const maps: IdMaps = {
  uid: [
    { inside: 0, outside: 700_000, count: 1 },
    { inside: 1234, outside: 700_001, count: 2 },
  ],
  gid: [{ inside: 0, outside: 800_000, count: 65_536 }],
}

function run(namespace: number, script: string): string {
  const argv = ['--user=/proc/self/fd/3', '--preserve-credentials', 'sh', '-c', script]
  const { stdout } = spawnSync('nsenter', argv, {
    stdio: ['ignore', 'pipe', 'ignore', namespace],
    encoding: 'utf8',
  })
  return stdout.trim().replaceAll(/ +/g, ' ')
}

function childrenOfOurs(): string {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
}

test('the namespace has the maps, and no process stays in it', async () => {
  const before = { children: childrenOfOurs(), open: listOpen('user:') }
  const namespace = await openUserNamespace(maps)
  expect(run(namespace, 'cat /proc/self/uid_map')).toBe('0 700000 1\n 1234 700001 2')
  expect(run(namespace, 'cat /proc/self/gid_map')).toBe('0 800000 65536')
  expect(run(namespace, 'cat /proc/self/setgroups')).toBe('deny')
  closeSync(namespace)
  expect({ children: childrenOfOurs(), open: listOpen('user:') }).toEqual(before)
})

test.for([
  { name: 'none', uid: [] },
  { name: 'an empty range', uid: [{ inside: 0, outside: 1, count: 0 }] },
  { name: 'a fraction', uid: [{ inside: 0.5, outside: 1, count: 1 }] },
  { name: 'a negative id', uid: [{ inside: 0, outside: -1, count: 1 }] },
  { name: 'the invalid id', uid: [{ inside: 0, outside: 0xffff_ffff, count: 1 }] },
  {
    name: 'ranges that overlap',
    uid: [
      { inside: 0, outside: 10, count: 5 },
      { inside: 9, outside: 14, count: 1 },
    ],
  },
])('a map with $name is refused, and no process stays', async ({ uid }) => {
  const before = childrenOfOurs()
  await expect(openUserNamespace({ uid, gid: maps.gid })).rejects.toMatchObject({
    code: 'SANDBOX_FAILED',
  })
  expect(childrenOfOurs()).toBe(before)
})
