import { execFile } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFile } from './image-file.ts'
import { attachLoop, restoreQueue, shortenQueue } from './loop.ts'

const BYTES = 1024 * 1024
let directory = ''
let image = ''
const owned: number[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'loop-'))
  image = join(directory, 'image')
  writeFileSync(image, 'first')
  truncateSync(image, BYTES)
})
afterEach(() => {
  for (const fd of owned.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

function open(flags: string): number {
  const fd = openSync(image, flags)
  owned.push(fd)
  return fd
}

function close(fd: number): void {
  closeSync(fd)
  owned.splice(owned.indexOf(fd), 1)
}

const backing = (name: string): string => `/sys/block/${name}/loop/backing_file`

test('an image is a block device as long as its descriptor is open, and no longer', () => {
  const { fd, name } = attachLoop(open('r+'), { readOnly: false })
  owned.push(fd)
  expect(readFileSync(backing(name), 'utf8').trim()).toBe(image)
  expect(readFileSync(`/sys/block/${name}/size`, 'utf8').trim()).toBe(`${BYTES / 512}`)
  const block = Buffer.alloc(5)
  readSync(fd, block, 0, 5, 0)
  expect(block.toString()).toBe('first')
  close(fd)
  expect(existsSync(backing(name))).toBe(false)
})

test('a shortened queue is short while it is used, and as it was afterwards', async () => {
  const { fd, name } = attachLoop(open('r+'), { readOnly: false })
  owned.push(fd)
  const requests = (): number =>
    Number(readFileSync(`/sys/block/${name}/queue/nr_requests`, 'utf8'))
  await shortenQueue(name)
  expect(requests()).toBe(4)
  await restoreQueue(name)
  expect(requests()).toBe(128)
})

test('a read-only device takes no write', () => {
  const { fd } = attachLoop(open('r'), { readOnly: true })
  owned.push(fd)
  expect(() => writeSync(fd, Buffer.alloc(4096), 0, 4096, 0)).toThrow(/EPERM|EBADF|EIO/)
})

test('the file stays locked as long as it is a device, also when we have closed it', () => {
  const imageFd = open('r+')
  lockFile(imageFd, 'exclusive')
  const { fd } = attachLoop(imageFd, { readOnly: false })
  owned.push(fd)
  close(imageFd)
  const other = open('r')
  expect(lockFile(other, 'shared')).toBe(false)
  close(fd)
  expect(lockFile(other, 'shared')).toBe(true)
})

test('what is no file cannot be a device, and takes none away', () => {
  const socket = openSync('/dev/null', 'r+')
  owned.push(socket)
  expect(() => attachLoop(socket, { readOnly: false })).toThrow(
    expect.objectContaining({ message: expect.stringContaining('EINVAL') }),
  )
})

const TAKE_SIX = `
import { closeSync, openSync } from 'node:fs'
import { attachLoop } from '${join(import.meta.dirname, 'loop.ts')}'
const fd = openSync(process.argv[1], 'r+')
const all = Array.from({ length: 6 }, () => attachLoop(fd, { readOnly: false }))
console.log(all.map(({ name }) => name).join(' '))
process.stdin.once('data', () => process.exit()).resume()
`

test('processes that take devices at once get different ones, and leave none', async () => {
  const run = promisify(execFile)
  const takers = Array.from({ length: 3 }, () =>
    run(process.execPath, ['--input-type=module', '-e', TAKE_SIX, image]),
  )
  const said = takers.map(
    ({ child }) =>
      new Promise<string>(
        (resolve) => void child.stdout?.once('data', (line) => resolve(String(line))),
      ),
  )
  const names = (await Promise.all(said)).flatMap((line) => line.trim().split(' '))
  expect(names.filter((name) => readFileSync(backing(name), 'utf8').trim() === image)).toHaveLength(
    18,
  )
  expect(new Set(names).size).toBe(18)
  for (const { child } of takers) child.stdin?.end('go')
  await Promise.all(takers)
  expect(names.filter((name) => existsSync(backing(name)))).toEqual([])
})
