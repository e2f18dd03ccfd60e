import { linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AttemptedFile } from './exec-attempt.ts'
import { type ExecGround, originOf } from './exec-written.ts'

const SCRATCH = 99n
let directory = ''
let ground: ExecGround
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'written-'))
  const [upper, lower] = [join(directory, 'upper'), join(directory, 'lower')]
  for (const path of [upper, lower]) mkdirSync(path)
  writeFileSync(join(lower, 'tool'), 'the user’s own')
  ground = {
    roots: [
      { inside: '/', isWritable: false },
      { inside: '/', isWritable: true },
      { inside: '/workspace', isWritable: true },
    ],
    scratch: SCRATCH,
    layers: { inside: '/workspace', upper, lower },
  }
})
afterEach(() => rmSync(directory, { recursive: true }))

const inLower = (name: string): string => join(directory, 'lower', name)
const inUpper = (name: string): string => join(directory, 'upper', name)

/** A file of the host, as the kernel would tell of it inside. */
function file(path: string, source: string, over: Partial<AttemptedFile> = {}): AttemptedFile {
  return { path, stats: lstatSync(source, { bigint: true }), isDeleted: false, ...over }
}

test('a program of a read-only root is settled', () => {
  expect(originOf(file('/usr/bin/tool', inLower('tool')), ground)).toBe('settled')
})

test('a file in the scratch is written, though the root has its path as well', () => {
  const stats = lstatSync(inLower('tool'), { bigint: true })
  const inScratch = Object.assign(Object.create(stats), { dev: SCRATCH })
  expect(originOf(file('/tmp/tool', inLower('tool'), { stats: inScratch }), ground)).toBe('written')
})

test('a file that was deleted is written, wherever it was', () => {
  const gone = file('/usr/bin/tool (deleted)', inLower('tool'), { isDeleted: true })
  expect(originOf(gone, ground)).toBe('written')
})

test('what the user has brought along is untouched while the layer of changes has nothing there', () => {
  const tool = file('/workspace/tool', inLower('tool'))
  expect(originOf(tool, ground)).toBe('untouched')
  writeFileSync(inUpper('tool'), 'changed')
  expect(originOf(tool, ground)).toBe('written')
})

test('another inode at a path of the user’s is written: it was moved while it was looked at', () => {
  writeFileSync(inLower('other'), 'written elsewhere')
  expect(originOf(file('/workspace/tool', inLower('other')), ground)).toBe('written')
})

test('a path that neither layer has is written', () => {
  linkSync(inLower('tool'), join(directory, 'aside'))
  expect(originOf(file('/workspace/new', join(directory, 'aside')), ground)).toBe('written')
})

test('a name that only begins like the workspace’s is not in it', () => {
  const beside = { ...ground, roots: ground.roots.slice(1) }
  expect(originOf(file('/workspace-2/tool', inLower('tool')), beside)).toBe('written')
})

test('a workspace with nothing below it, and a path of no root, are written', () => {
  const tool = file('/workspace/tool', inLower('tool'))
  expect(originOf(tool, { ...ground, layers: null })).toBe('written')
  expect(originOf(tool, { ...ground, roots: [] })).toBe('written')
})
