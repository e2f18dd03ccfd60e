import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { explainReadError, openDiskImage } from './disk-image.ts'
import { AGENT, asAgent, type DiskBench, diskBench, loopsBelow, SMALL } from './testing/disks.ts'

let bench: DiskBench
let directory = ''
beforeEach(() => {
  bench = diskBench()
  directory = join(bench.sessions, 's')
})
afterEach(async () => {
  await bench.close()
  expect(loopsBelow(bench.root)).toEqual([])
})

/** A session that left one file. */
async function leave(): Promise<void> {
  const disk = await bench.disk(await bench.open(), 's')
  asAgent(disk.upper, 'echo mine > mine')
  await disk.close()
}

test('what a session left is read from anywhere, and nothing of it can be written or executed', async () => {
  await leave()
  const before = readFileSync(join(directory, 'disk.img'))
  const { root, close } = openDiskImage(directory)
  try {
    const file = join(root, 'upper/mine')
    expect([readFileSync(file, 'utf8'), statSync(file).uid]).toEqual(['mine\n', AGENT])
    expect(() => writeFileSync(file, 'other')).toThrow('EROFS')
    // another process of ours
    expect(execFileSync('cat', [file], { encoding: 'utf8' })).toBe('mine\n')
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('disk.img')
  } finally {
    close()
    close()
  }
  expect(existsSync(join(root, 'upper'))).toBe(false)
  expect(readFileSync(join(directory, 'disk.img')).equals(before)).toBe(true)
})

test('a program in it cannot be run', async () => {
  const disk = await bench.disk(await bench.open(), 's')
  asAgent(disk.upper, 'printf "#!/bin/sh\\necho ran" > run && chmod 755 run')
  await disk.close()
  const opened = openDiskImage(directory)
  const { error, stdout } = spawnSync(join(opened.root, 'upper/run'), { encoding: 'utf8' })
  opened.close()
  expect([error?.message, stdout]).toEqual([expect.stringContaining('EACCES'), undefined])
})

test('a disk in use is read as it is now, and its session goes on', async () => {
  const { upper, close, usage } = await bench.disk(await bench.open(), 's')
  const opened = openDiskImage(directory)
  writeFileSync(join(upper, 'file'), 'one')
  expect(readFileSync(join(opened.root, 'upper/file'), 'utf8')).toBe('one')
  writeFileSync(join(upper, 'file'), 'two')
  expect(readFileSync(join(opened.root, 'upper/file'), 'utf8')).toBe('two')
  opened.close()
  expect(usage()).toMatchObject({ inodes: 1 })
  await close()
  const later = openDiskImage(directory)
  expect(readFileSync(join(later.root, 'upper/file'), 'utf8')).toBe('two')
  later.close()
})

test('several read one at a time', async () => {
  await leave()
  const readers = [openDiskImage(directory), openDiskImage(directory)]
  for (const { root } of readers) expect(readdirSync(join(root, 'upper'))).toEqual(['mine'])
  for (const each of readers) each.close()
})

test('a reader who still has a disk open sees nothing of another session', async () => {
  const disks = await bench.open()
  const first = await bench.disk(disks, 's')
  writeFileSync(join(first.upper, 'first'), '')
  const opened = openDiskImage(directory)
  await first.close()
  const second = await bench.disk(disks, 'second')
  writeFileSync(join(second.upper, 'second'), '')
  expect(readdirSync(join(opened.root, 'upper'))).toEqual(['first'])
  // while that reader has it, the image is still a device; the note of where it lives is gone
  expect(() => openDiskImage(directory)).toThrow(
    expect.objectContaining({ code: 'WORKSPACE_BUSY', hint: 'try again in a moment' }),
  )
  opened.close()
  const later = openDiskImage(directory)
  expect(readdirSync(join(later.root, 'upper'))).toEqual(['first'])
  later.close()
})

test('a note that a killed supervisor left misleads nobody', async () => {
  await leave()
  mkdirSync(join(bench.root, 'elsewhere/upper'), { recursive: true })
  writeFileSync(join(directory, 'disk.live'), join(bench.root, 'elsewhere'))
  const opened = openDiskImage(directory)
  expect(readdirSync(join(opened.root, 'upper'))).toEqual(['mine'])
  opened.close()
})

test('one who is killed leaves neither a mount nor a device', async () => {
  await leave()
  const script = `
    import { explainReadError, openDiskImage } from '${join(import.meta.dirname, 'disk-image.ts')}'
    openDiskImage(process.argv[1])
    process.kill(process.pid, 'SIGKILL')
  `
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script, directory])
  expect(signal).toBe('SIGKILL')
  expect(loopsBelow(bench.root)).toEqual([])
})

test('what a session had written when the supervisor was killed is there', () => {
  const script = `
    import { mkdirSync, writeFileSync } from 'node:fs'
    import { openDisks } from '${join(import.meta.dirname, 'disks.ts')}'
    const [sessions, mounts] = process.argv.slice(1)
    const usual = ${JSON.stringify(SMALL)}
    const disks = await openDisks({ directory: sessions, mounts, usual, marginBytes: 0, warn: console.log })
    mkdirSync(sessions + '/s')
    const disk = (await disks.prepare({ size: usual, agentUid: 1000 })).place(sessions + '/s')
    writeFileSync(disk.upper + '/mine', 'mine')
    process.kill(process.pid, 'SIGKILL')
  `
  const argv = ['--mount', process.execPath, '--input-type=module', '-e', script]
  spawnSync('unshare', [...argv, bench.sessions, join(bench.root, 'mounts')])
  expect(loopsBelow(bench.root)).toEqual([])
  expect(readdirSync(directory).toSorted()).toEqual(['disk.img', 'disk.live'])
  const opened = openDiskImage(directory)
  expect(readFileSync(join(opened.root, 'upper/mine'), 'utf8')).toBe('mine')
  opened.close()
})

const overwrite = (path: string, at: number, bytes: Buffer): void => {
  const fd = openSync(path, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

test.for([
  ['is cut off', (path: string) => truncateSync(path, 8 * 4096)],
  ['is empty', (path: string) => truncateSync(path, 0)],
  ['is no file system', (path: string) => overwrite(path, 1024, Buffer.alloc(1024))],
  ['has a damaged superblock', (path: string) => overwrite(path, 1024 + 4, Buffer.from('damage'))],
  ['has damaged group descriptors', (path: string) => overwrite(path, 4096, Buffer.alloc(64, 7))],
] as const)('an image that %s is refused with what to do', async ([, damage]) => {
  await leave()
  const path = join(directory, 'disk.img')
  damage(path)
  expect(() => openDiskImage(directory)).toThrow(
    expect.objectContaining({
      code: 'WORKSPACE_INVALID',
      message: expect.stringContaining(`${path} cannot be read: `),
      hint: `keep a copy of it, then run \`e2fsck -f ${path}\` and try again`,
    }),
  )
  expect(loopsBelow(bench.root)).toEqual([])
})

test('damage within is an error of whoever reads there, and no more', async () => {
  await leave()
  const path = join(directory, 'disk.img')
  const image = readFileSync(path)
  const at = image.indexOf(Buffer.from('mine\0\0\0\0')) & ~4095
  overwrite(path, at, Buffer.alloc(4096, 0x5a))
  const opened = openDiskImage(directory)
  let thrown: unknown
  try {
    readdirSync(join(opened.root, 'upper'))
  } catch (error) {
    thrown = explainReadError(directory, error)
  } finally {
    opened.close()
  }
  expect(thrown).toMatchObject({
    code: 'WORKSPACE_INVALID',
    message: expect.stringContaining(`${path} cannot be read: `),
  })
  const other = new Error('something else')
  expect(explainReadError(directory, other)).toBe(other)
})

test('a link in the place of an image is not followed', async () => {
  await leave()
  const path = join(directory, 'disk.img')
  copyFileSync(path, join(bench.root, 'copy'))
  rmSync(path)
  symlinkSync(join(bench.root, 'copy'), path)
  expect(() => openDiskImage(directory)).toThrow(
    expect.objectContaining({
      code: 'WORKSPACE_INVALID',
      message: expect.stringContaining('ELOOP'),
    }),
  )
})

test('the images are sound to e2fsck', async () => {
  const disk = await bench.disk(await bench.open(), 's', { bytes: SMALL.bytes, inodes: 10_000 })
  asAgent(disk.upper, 'mkdir -p a/b && echo x > a/b/c && ln a/b/c d && ln -s d e && rm -r a')
  await disk.close()
  const { status, stdout } = spawnSync('e2fsck', ['-fn', join(directory, 'disk.img')], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', LC_ALL: 'C' },
  })
  expect([status, stdout]).toEqual([0, expect.not.stringContaining('<y>')])
})
