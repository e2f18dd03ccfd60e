import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RootfsSource } from '../../wire/sandbox.ts'
import { openRootfs, type RootfsParts } from './open-rootfs.ts'
import { type TestImages, testImages } from './testing/images.ts'

let images: TestImages
let scratch: string
let parts: RootfsParts
beforeAll(() => {
  images = testImages()
  scratch = mkdtempSync(join(tmpdir(), 'sekisho-roots-'))
  mkdirSync(join(scratch, 'skeletons'))
  writeFileSync(join(scratch, 'init'), 'init')
  parts = {
    hostSkeleton: '/none',
    empty: '/none',
    skeletons: {
      directory: join(scratch, 'skeletons'),
      init: join(scratch, 'init'),
      plant: (skeleton) => writeFileSync(join(skeleton, 'etc/shadow'), 'planted'),
    },
    state: images.directory,
    openImage: (image) => images.store.open(image),
  }
})
afterAll(() => {
  images.remove()
  rmSync(scratch, { recursive: true })
})

const refused = (source: RootfsSource, over: Partial<RootfsParts> = {}): Promise<unknown> =>
  openRootfs(source, { ...parts, state: join(scratch, 'state'), ...over }).then(
    () => 'opened',
    (error: unknown) => error,
  )

/** Where the script has put it. */
const MOVED: Readonly<Record<string, string>> = {
  'is below a symbolic link': 'l/d',
  'can be exchanged by all': 'open/d',
  'is not there': 'none',
}

test.for([
  ['is not there', 'true', 'cannot be read'],
  ['is a symbolic link', 'mv d real; ln -s real d', 'is a symbolic link'],
  ['is below a symbolic link', 'mkdir real; mv d real/d; ln -s real l', 'is really'],
  ['is a file', 'rm -r d; echo > d', 'is not a directory'],
  ['is writable for all', 'chmod 777 d', 'can be written by every user'],
  ['can be exchanged by all', 'mkdir open; mv d open; chmod 777 open', 'can be exchanged'],
  ['has no shell', 'rm d/bin/sh', 'has no /bin/sh'],
  ['has a shell that only root may run', 'chmod 700 d/bin/busybox', 'has no /bin/sh'],
  ['has a shell that is a device', 'rm d/bin/sh; mknod d/bin/sh c 1 5', 'has no /bin/sh'],
  ['leads to the host’s shell alone', 'rm -r d/bin; ln -s ../../../../bin d/bin', 'has no /bin/sh'],
  [
    'has the shell of another machine',
    'printf "\\\\177ELF\\\\2\\\\1\\\\1" > d/bin/busybox',
    'no program for x86-64',
  ],
  [
    'has a script as its shell',
    'echo "#!/bin/busybox sh" > d/bin/sh.txt; chmod 755 d/bin/sh.txt; ln -sf sh.txt d/bin/sh',
    'no program for x86-64',
  ],
] as const)('a directory that %s is refused', async ([why, script, message]) => {
  const where = mkdtempSync(join(scratch, 'd-'))
  const root = images.root()
  execFileSync('sh', ['-ec', `mv ${root} d; chmod 755 d; ${script}`], { cwd: where })
  const path = MOVED[why]
  const error = await refused({ kind: 'directory', path: join(where, path ?? 'd') })
  expect(error).toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(String(error)).toContain(message)
})

test.for(['/', '/usr', '/proc'])('%s is refused', async (path) => {
  expect(await refused({ kind: 'directory', path })).toMatchObject({ code: 'ROOTFS_INVALID' })
})

test('a directory in, or around, the platform’s state is refused', async () => {
  const root = images.root()
  for (const state of [root, join(root, 'var/lib'), images.directory]) {
    const error = await refused({ kind: 'directory', path: root }, { state })
    expect(String(error)).toContain('overlaps the state of the platform')
  }
})

test('a skeleton that could not be finished is begun anew, not used', async () => {
  const root = images.root('echo half:x:44:44::/:/bin/sh > etc/passwd')
  const failing = {
    ...parts.skeletons,
    plant: () => {
      throw new Error('no space')
    },
  }
  const source = { kind: 'directory', path: root } as const
  const error = await refused(source, { skeletons: failing, state: scratch })
  expect(String(error)).toContain('no space')
  const { root: layers } = await openRootfs(source, { ...parts, state: scratch })
  expect(existsSync(join(layers[0] ?? '', 'etc/shadow'))).toBe(true)
})
