import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BundleFiles } from './bundle-files.ts'

let bundle = ''
let files: BundleFiles
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'sekisho-bundle-'))
  mkdirSync(join(bundle, 'agents'))
  files = new BundleFiles(bundle)
})
afterEach(() => rmSync(bundle, { recursive: true }))

function write(name: string, text: string): void {
  writeFileSync(join(bundle, 'agents', name), text)
}

test('agent files are read as text; prose and old copies are none', () => {
  write('b.yaml', 'name: b')
  write('a.yaml', 'name: ä')
  write('a.yaml~', 'an old copy')
  write('README.md', 'words')
  expect(files.read(null).files).toEqual({ 'agents/a.yaml': 'name: ä', 'agents/b.yaml': 'name: b' })
})

test('policies at any depth are read too; what tools hide is not', () => {
  for (const path of ['cedar/team/x.cedar', 'operators.yaml', '.git/x.yaml', 'agents/.a.yaml']) {
    mkdirSync(join(bundle, path, '..'), { recursive: true })
    writeFileSync(join(bundle, path), path)
  }
  expect(Object.keys(files.read(null).files ?? {})).toEqual([
    'cedar/team/x.cedar',
    'operators.yaml',
  ])
})

test('a file whose name nobody knows is read, so that its reader can refuse it', () => {
  writeFileSync(join(bundle, 'a.ceder'), 'permit')
  expect(Object.keys(files.read(null).files ?? {})).toEqual(['a.ceder'])
})

test('directories in directories without end are refused', () => {
  mkdirSync(join(bundle, 'a/'.repeat(9)), { recursive: true })
  expect(() => files.read(null)).toThrow(/is nested too deeply$/)
})

test('a link to nothing and a pipe are refused by name, and not waited for', () => {
  symlinkSync('nothing', join(bundle, 'agents/a.yaml'))
  expect(() => files.read(null)).toThrow(/agents\/a\.yaml is no file$/)
  rmSync(join(bundle, 'agents/a.yaml'))
  execFileSync('mkfifo', [join(bundle, 'agents/a.yaml')])
  expect(() => files.read(null)).toThrow(/agents\/a\.yaml is no file$/)
})

test('while nothing changes there is nothing to read', () => {
  write('a.yaml', 'name: a')
  const { stamp } = files.read(null)
  expect(files.read(stamp)).toEqual({ stamp, files: null })
})

test.for<{ name: string; change: () => void }>([
  { name: 'another text', change: () => write('a.yaml', 'name: other') },
  {
    name: 'another text of its length, written over it, with its time set back',
    change: () => {
      write('a.yaml', 'name: b')
      utimesSync(join(bundle, 'agents/a.yaml'), 1000, 1000)
    },
  },
  { name: 'a file more', change: () => write('b.yaml', 'name: b') },
  { name: 'a file less', change: () => rmSync(join(bundle, 'agents/a.yaml')) },
  {
    name: 'another name',
    change: () => renameSync(join(bundle, 'agents/a.yaml'), join(bundle, 'agents/c.yaml')),
  },
  {
    name: 'a file put in its place, of its length and its time',
    change: () => {
      write('new', 'name: z')
      utimesSync(join(bundle, 'agents/new'), 1000, 1000)
      renameSync(join(bundle, 'agents/new'), join(bundle, 'agents/a.yaml'))
    },
  },
])('$name is seen', ({ change }) => {
  write('a.yaml', 'name: a')
  utimesSync(join(bundle, 'agents/a.yaml'), 1000, 1000)
  const before = files.read(null)
  change()
  const after = files.read(before.stamp)
  expect(after.stamp).not.toBe(before.stamp)
  expect(after.files).not.toEqual(before.files)
})

test('a bundle without agents is refused with where to put them', () => {
  rmSync(join(bundle, 'agents'), { recursive: true })
  expect(() => files.read(null)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: `${bundle}/agents cannot be read`,
      hint: expect.stringContaining('docs/guides/agent-files.md'),
    }),
  )
})

test('a file of 256 KiB is read, one byte more is refused by name', () => {
  write('a.yaml', 'x'.repeat(262_144))
  expect(files.read(null).files?.['agents/a.yaml']).toHaveLength(262_144)
  write('a.yaml', 'x'.repeat(262_145))
  expect(() => files.read(null)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: `${bundle} is too large: agents/a.yaml`,
    }),
  )
})

test('a thousand files are read, one more is refused', () => {
  for (let n = 0; n < 1000; n++) write(`a${n}.yaml`, '')
  expect(Object.keys(files.read(null).files ?? {})).toHaveLength(1000)
  write('b.yaml', '')
  expect(() => files.read(null)).toThrow(
    expect.objectContaining({ message: `${bundle} is too large: 1001` }),
  )
})
