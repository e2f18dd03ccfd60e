import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDirectories } from './make-directory.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-dir-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('makes what is missing, says where it began, and finds it there the next time', () => {
  const path = join(dir, 'a/b/c')
  expect(makeDirectories(path, 0o700)).toBe(join(dir, 'a'))
  expect(statSync(path).mode & 0o777).toBe(0o700)
  expect(makeDirectories(path, 0o700)).toBeUndefined()
  expect(makeDirectories(join(path, 'd'), 0o700)).toBe(join(path, 'd'))
})

test('below a directory that was deleted under a mount it ends, with what the kernel says', () => {
  const [source, shown] = [join(dir, 'source'), join(dir, 'shown')]
  for (const path of [source, shown]) mkdirSync(path)
  execFileSync('mount', ['--bind', source, shown])
  try {
    rmdirSync(source)
    expect(existsSync(shown)).toBe(true)
    expect(() => makeDirectories(join(shown, 'log'), 0o700)).toThrow('ENOENT')
  } finally {
    execFileSync('umount', [shown])
  }
})
