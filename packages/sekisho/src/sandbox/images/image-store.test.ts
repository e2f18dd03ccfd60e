import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ImageStore } from './image-store.ts'
import { type TestImages, testImages } from './testing/images.ts'

let images: TestImages
let source: string
let digest: string
let fresh = 0
let store: ImageStore
beforeAll(async () => {
  images = testImages()
  source = images.layout([images.root('echo one > etc/one; ln -s one etc/two; mkdir etc/d')])
  digest = (await images.import(source)).digest
})
afterAll(() => images.remove())
beforeEach(async () => {
  // another daemon on a copy of the store: it has other inodes, so its notes are made anew
  const copy = join(images.directory, `store-${fresh++}`)
  cpSync(images.store.directory, copy, { recursive: true, verbatimSymlinks: true })
  store = new ImageStore(copy)
  await store.verify('test')
})

const tree = (path = ''): string => join(store.directory, digest.replace(':', '-'), 'root', path)
const open = (): Promise<unknown> =>
  new ImageStore(store.directory).open({ name: 'test', digest }).then(
    () => 'opened',
    (error: unknown) => error,
  )

test('a store that was copied opens once it has been verified, and not before', async () => {
  expect(await open()).toBe('opened')
  cpSync(store.directory, `${store.directory}-again`, { recursive: true, verbatimSymlinks: true })
  const again = new ImageStore(`${store.directory}-again`)
  const image = { name: 'test', digest }
  await expect(again.open(image)).rejects.toMatchObject({
    code: 'ROOTFS_INVALID',
    message: 'image test was changed in the store',
    hint: 'run `sekisho image verify test`, which names the files, or import it again',
  })
  expect(await again.verify('test')).toEqual([])
  expect(await again.open(image)).toMatchObject({
    digest,
    tree: join(again.directory, digest.replace(':', '-'), 'root'),
  })
})

test.for([
  [
    'other content of the same length',
    'echo two > etc/one',
    [{ path: '/etc/one', change: 'changed' }],
  ],
  [
    'other content under the old times',
    'touch -r etc/one ../t; echo two > etc/one; touch -r ../t etc/one; rm ../t',
    [{ path: '/etc/one', change: 'changed' }],
  ],
  ['another mode', 'chmod 4755 bin/busybox', [{ path: '/bin/busybox', change: 'changed' }]],
  ['another owner', 'chown 1000 etc/one', [{ path: '/etc/one', change: 'changed' }]],
  ['a link elsewhere', 'ln -sfn /bin etc/two', [{ path: '/etc/two', change: 'changed' }]],
  ['a file more', 'echo > etc/d/more', [{ path: '/etc/d/more', change: 'added' }]],
  ['a device more', 'mknod etc/d/null c 1 3', [{ path: '/etc/d/null', change: 'added' }]],
  ['a file less', 'rm etc/one', [{ path: '/etc/one', change: 'removed' }]],
  [
    'a directory in place of a file',
    'rm etc/one; mkdir etc/one',
    [{ path: '/etc/one', change: 'changed' }],
  ],
] as const)('%s: no session starts in it, and verify names it', async ([, script, differences]) => {
  execFileSync('sh', ['-ec', script], { cwd: tree() })
  expect(await open()).toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(await store.verify(digest)).toEqual(differences)
  expect(await open()).toMatchObject({ code: 'ROOTFS_INVALID' }) // verifying has not made it right
})

test('an index that was changed along with the file is no help', async () => {
  writeFileSync(tree('etc/one'), 'two\n')
  const index = join(tree('..'), 'index.jsonl')
  writeFileSync(index, readFileSync(index, 'utf8').replace('/etc/two', '/etc/three'))
  await expect(store.verify('test')).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
})

test('a digest that is not there, under a name that is, is a mismatch that names both', async () => {
  const wanted = `sha256:${'a'.repeat(64)}`
  await expect(store.open({ name: 'test', digest: wanted })).rejects.toMatchObject({
    code: 'IMAGE_UNKNOWN',
    message: `image test was imported as ${digest}, and the agent file wants ${wanted}`,
  })
  await expect(store.open({ name: 'none', digest: wanted })).rejects.toMatchObject({
    code: 'IMAGE_UNKNOWN',
    hint: 'run `sekisho image import none SOURCE`',
  })
})

test('a damaged record is an error that says what to do', async () => {
  writeFileSync(join(tree('..'), 'image.json'), '{}')
  await expect(store.open({ name: 'test', digest })).rejects.toMatchObject({
    code: 'INTERNAL',
    hint: 'remove the image with `sekisho image rm` and import it again',
  })
})

test('a removed image is gone with its names, and can be imported again', async () => {
  expect(store.list().map(({ names }) => names)).toEqual([['test']])
  expect(store.remove('test').digest).toBe(digest)
  expect(store.list()).toEqual([])
  expect(readdirSync(join(store.directory, 'names'))).toEqual([])
  expect(await open()).toMatchObject({ code: 'IMAGE_UNKNOWN' })
  expect(() => store.remove('test')).toThrow(/no image test/)
})

test('a name leads to what was imported last; the older image stays under its digest', async () => {
  const newer = await images.import(images.layout([images.root('echo newer > etc/one')]))
  expect(images.store.find('test').digest).toBe(newer.digest)
  expect(images.store.find(digest).names).toEqual([])
  expect(await images.store.open({ name: 'test', digest })).toMatchObject({ digest })
  images.store.remove(newer.digest)
  images.store.name({ name: 'test', digest, source, importedAt: '2026-01-01T00:00:00Z' })
})

test('a store that is not there is empty', () => {
  expect(new ImageStore(join(images.directory, 'none')).list()).toEqual([])
})

test('what was opened is opened again without a look at the files, until it is imported anew', async () => {
  const image = { name: 'test', digest }
  expect(await store.open(image)).toBe(await store.open(image))
  const first = await store.open(image)
  const record = join(tree('..'), 'image.json')
  cpSync(record, `${record}.other`)
  renameSync(`${record}.other`, record)
  expect(await store.open(image)).not.toBe(first)
  rmSync(tree('..'), { recursive: true })
  await expect(store.open(image)).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN' })
})
