import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenDirectory } from './open-tree.ts'

let root: string
let tree: OpenDirectory
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sekisho-tree-'))
  mkdirSync(join(root, 'tree/d'), { recursive: true })
  mkdirSync(join(root, 'outside'))
  writeFileSync(join(root, 'outside/f'), 'secret')
  writeFileSync(join(root, 'tree/d/f'), 'mine')
  symlinkSync('../outside', join(root, 'tree/link'))
  symlinkSync('../outside/f', join(root, 'tree/file'))
  tree = await OpenDirectory.at(join(root, 'tree'))
})
afterEach(async () => {
  await tree.close()
  rmSync(root, { recursive: true })
})

test('a link is neither entered nor read', async () => {
  await expect(tree.directory('link')).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(tree.file('file')).rejects.toMatchObject({ code: 'ELOOP' })
  expect((await tree.status('link'))?.isSymbolicLink()).toBe(true)
  await expect(OpenDirectory.at(join(root, 'tree/link'))).rejects.toMatchObject({ code: 'ENOTDIR' })
})

test('a directory that was moved and replaced by a link stays the one that was opened', async () => {
  const opened = await tree.directory('d')
  try {
    renameSync(join(root, 'tree/d'), join(root, 'moved'))
    symlinkSync('../outside', join(root, 'tree/d'))
    const file = await opened.file('f')
    expect((await file.readFile()).toString()).toBe('mine')
    await file.close()
  } finally {
    await opened.close()
  }
})

test.for(['..', '.', '', 'd/f', '/etc'])('%j is not a name', (name) => {
  expect(() => tree.path(name)).toThrow('is not a name')
})

test('a fifo without a writer does not keep the reader waiting', async () => {
  execFileSync('mkfifo', [join(root, 'tree/p')])
  const fifo = await tree.file('p')
  expect((await fifo.stat()).isFIFO()).toBe(true)
  await fifo.close()
})

test('names come in byte order, and those that are not UTF-8 apart', async () => {
  execFileSync('bash', ['-c', String.raw`touch b a $'z\377'`], { cwd: join(root, 'tree') })
  expect(await tree.names()).toEqual({
    names: ['a', 'b', 'd', 'file', 'link'],
    unreadable: ['z\ufffd'],
  })
})
