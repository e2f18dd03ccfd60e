import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { libc } from './libc.ts'
import { inMountNamespace } from './mount-namespace.ts'
import { attachTree, cloneTree } from './mounts.ts'

let directory: string
let child: ChildProcess

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-mntns-'))
  const script = 'mount -t tmpfs inside "$1" && mkdir "$1/place" && echo ready && exec cat'
  child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout ?? child, 'data')
})

afterEach(async () => {
  const gone = once(child, 'exit')
  child.stdin?.end()
  await gone
  rmSync(directory, { recursive: true })
})

test('paths mean what they mean inside, and outside again afterwards', async () => {
  const home = readlinkSync('/proc/self/ns/mnt')
  const seen = inMountNamespace(child.pid ?? 0, () => ({
    namespace: readlinkSync('/proc/thread-self/ns/mnt'),
    place: existsSync(join(directory, 'place')),
  }))
  expect(seen).toEqual({ namespace: readlinkSync(`/proc/${child.pid}/ns/mnt`), place: true })
  expect(readlinkSync('/proc/thread-self/ns/mnt')).toBe(home)
  expect(existsSync(join(directory, 'place'))).toBe(false)
  expect(await readdir(directory)).toEqual([])
})

test('a mount that is placed inside is seen there and nowhere else', () => {
  const source = mkdtempSync(join(tmpdir(), 'sekisho-mntns-'))
  writeFileSync(join(source, 'file'), 'x')
  const tree = cloneTree(source)
  const there = inMountNamespace(child.pid ?? 0, () => {
    attachTree(tree, join(directory, 'place'))
    return existsSync(join(directory, 'place', 'file'))
  })
  libc.close(tree)
  rmSync(source, { recursive: true })
  expect({ there, here: existsSync(join(directory, 'place', 'file')) }).toEqual({
    there: true,
    here: false,
  })
})

test('what throws inside comes out, outside', () => {
  const home = readlinkSync('/proc/thread-self/ns/mnt')
  expect(() =>
    inMountNamespace(child.pid ?? 0, () => {
      throw new RangeError('inside')
    }),
  ).toThrow(new RangeError('inside'))
  expect(readlinkSync('/proc/thread-self/ns/mnt')).toBe(home)
})

test('nothing asynchronous is done inside', () => {
  expect(() => inMountNamespace(child.pid ?? 0, () => Promise.resolve(1))).toThrow(
    'a namespace is entered for synchronous work only',
  )
})
