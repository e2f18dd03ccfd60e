import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobsOf, type TestImages, testImages } from './testing/images.ts'

let images: TestImages
beforeAll(() => {
  images = testImages()
})
afterAll(() => images.remove())

const sh = (script: string): void =>
  void execFileSync('sh', ['-ec', script], { cwd: images.directory, stdio: 'pipe' })
const failure = (source: string, over = {}): Promise<unknown> =>
  images.import(source, over).then(
    () => 'imported',
    (error: unknown) => error,
  )
/** What lies in the store: the images, and nothing half-done. */
const stored = (): string[] => readdirSync(images.store.directory).sort()

test('an archive of the OCI, one of Docker and a layout give the same tree under their digests', async () => {
  const source = images.layout([images.root('echo hello > etc/hello')], ['A=b'])
  sh(`skopeo copy --insecure-policy ${source} oci-archive:oci.tar:x`)
  sh(`skopeo copy --insecure-policy ${source} docker-archive:docker.tar:x/y:z`)
  chmodSync(join(images.directory, 'oci.tar'), 0o600)
  const [manifest] = blobsOf(source)
  const trees: string[] = []
  for (const [name, from] of [
    ['layout', source],
    ['oci', `oci-archive:${images.directory}/oci.tar`],
    ['docker', `docker-archive:${images.directory}/docker.tar`],
  ] as const) {
    const { digest } = await images.import(from, { name })
    const { tree, environment } = await images.store.open({ name, digest })
    expect(environment).toMatchObject({ A: 'b' })
    trees.push(readFileSync(join(tree, 'etc/hello'), 'utf8'))
  }
  expect(trees).toEqual(['hello\n', 'hello\n', 'hello\n'])
  expect(images.store.find('layout').digest).toBe(manifest?.digest)
  expect(images.store.find('oci').digest).toBe(manifest?.digest)
})

test('what is recorded is recorded before the image can be used; without a record there is none', async () => {
  const source = images.layout([images.root('echo recorded > etc/r')])
  const [manifest] = blobsOf(source)
  const before = stored()
  const unwritable = await failure(source, {
    record: async () => {
      throw new Error('the log cannot be written')
    },
  })
  expect(String(unwritable)).toContain('the log cannot be written')
  expect(stored()).toEqual(before)
  const recorded: unknown[] = []
  await images.import(source, {
    name: 'r',
    record: async (done: unknown) => {
      recorded.push(done, images.store.has(manifest?.digest ?? ''))
    },
  })
  expect(recorded).toEqual([{ name: 'r', digest: manifest?.digest, source }, false])
})

/** Changes a layout so that it lies about itself. */
const LIES: Readonly<Record<string, (source: string) => void>> = {
  'a layer of other bytes': (source) => spoil(blobsOf(source)[2]?.path),
  'a longer layer': (source) => sh(`echo >> ${blobsOf(source)[2]?.path}`),
  'a configuration of other bytes': (source) => spoil(blobsOf(source)[1]?.path),
  'a manifest of other bytes': (source) => spoil(blobsOf(source)[0]?.path),
  'a layer that is not there': (source) => sh(`rm ${blobsOf(source)[2]?.path}`),
  'a layer that is a link to a file of the host': (source) =>
    sh(`ln -sf /etc/shadow ${blobsOf(source)[2]?.path}`),
}

function spoil(path = ''): void {
  const bytes = readFileSync(path)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(path, bytes)
}

test.for(Object.keys(LIES))('%s: refused, and nothing is left', async (name) => {
  const source = images.layout([images.root(`echo "${name}" > etc/n`)])
  LIES[name]?.(source)
  const before = stored()
  expect(await failure(source)).toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(stored()).toEqual(before)
})

test('another digest than the one that is wanted is refused', async () => {
  const source = images.layout([images.root('echo pinned > etc/p')])
  const wanted = `sha256:${'0'.repeat(64)}`
  const before = stored()
  expect(await failure(source, { digest: wanted })).toMatchObject({
    code: 'ROOTFS_INVALID',
    message: `the image is ${blobsOf(source)[0]?.digest}, and ${wanted} is wanted`,
  })
  expect(stored()).toEqual(before)
})

/** A layer as an attacker writes it: entries that no tar program would make. */
function layer(name: string, script: string): string {
  const path = join(images.directory, `${name}.tar`)
  execFileSync('python3', [
    '-c',
    `import tarfile,io\nt=tarfile.open(${JSON.stringify(path)},'w')\n${TAR}\n${script}\nt.close()`,
  ])
  return path
}
const TAR = `
def file(n, data=b'evil', mode=0o644):
    i = tarfile.TarInfo(n); i.size = len(data); i.mode = mode; t.addfile(i, io.BytesIO(data))
def link(n, to, kind=tarfile.SYMTYPE):
    i = tarfile.TarInfo(n); i.type = kind; i.linkname = to; t.addfile(i)
`

function withLayer(root: string, tar: string): string {
  const source = images.layout([root])
  sh(`umoci raw add-layer --image ${source.slice('oci:'.length)} ${tar}`)
  return source
}

test.for([
  ['dot-dot', `file('../../../../../../../../CANARY')`],
  ['absolute', `file('CANARY')`],
  ['a link out of the tree', `link('out', '/../../../../..'); file('out/CANARY')`],
  ['a link to the staging directory', `link('out', 'IMAGES'); file('out/evil')`],
  ['a root that is a link', `link('.', 'IMAGES'); file('evil')`],
  [
    'a hard link to a file of the host',
    `link('etc/stolen', '../../../../../../etc/shadow', tarfile.LNKTYPE)`,
  ],
  [
    'a hard link through a link',
    `link('l', '/etc'); link('etc/stolen', 'l/shadow', tarfile.LNKTYPE)`,
  ],
  ['a whiteout of a file of the host', `link('out', 'IMAGES'); file('out/.wh.canary', b'')`],
] as const)('a layer with %s changes and reads nothing of the host', async ([name, script]) => {
  const where = join(images.directory, `canary-${name.replaceAll(/\W/g, '-')}`)
  mkdirSync(where, { mode: 0o777 })
  chmodSync(where, 0o777) // even where everybody may write
  writeFileSync(join(where, 'canary'), 'whole')
  const text = script.replaceAll('CANARY', join(where, 'evil').slice(1)).replaceAll('IMAGES', where)
  const source = withLayer(images.root(), layer(name.replaceAll(' ', '-'), text))
  const result = await failure(source, { name: 'escape' })
  expect(readdirSync(where)).toEqual(['canary'])
  if (result !== 'imported') return expect(result).toMatchObject({ code: 'ROOTFS_INVALID' })
  const { tree } = await images.store.open({
    name: 'escape',
    digest: images.store.find('escape').digest,
  })
  const stolen = join(tree, 'etc/stolen')
  if (existsSync(stolen)) expect(lstatSync(stolen).size).toBe(0)
})

test('whiteouts of a layer remove what is below, and none is left as a device', async () => {
  const tar = layer('whiteout', `file('etc/.wh.gone', b''); file('home/.wh..wh..opq', b'')`)
  const root = images.root('echo x > etc/gone; echo x > etc/stays; mkdir home/a')
  const { digest } = await images.import(withLayer(root, tar))
  const { tree } = await images.store.open({ name: 'test', digest })
  expect(readdirSync(join(tree, 'etc'))).toEqual(['stays'])
  expect(readdirSync(join(tree, 'home'))).toEqual([])
})

test('attributes that an overlay or the kernel would believe are gone', async () => {
  const path = join(images.directory, 'attributes.tar')
  const script = `import tarfile,io
t=tarfile.open(${JSON.stringify(path)},'w',format=tarfile.PAX_FORMAT)
for n in ('etc/x','etc/y'):
    i=tarfile.TarInfo(n); i.size=1
    i.pax_headers={'SCHILY.xattr.user.overlay.opaque':'y','SCHILY.xattr.trusted.overlay.redirect':'/etc','SCHILY.xattr.user.other':'z'}
    t.addfile(i, io.BytesIO(b'x'))
t.close()`
  execFileSync('python3', ['-c', script])
  const { digest } = await images.import(withLayer(images.root(), path))
  const { tree } = await images.store.open({ name: 'test', digest })
  const list = `import os; print([os.listxattr(p) for p in ('etc','etc/x','etc/y')])`
  const left = execFileSync('python3', ['-c', list], { cwd: tree, encoding: 'utf8' })
  expect(left).toBe('[[], [], []]\n')
})

/** A layout by hand, whose digests are right and whose content is wrong. */
function honest(over: {
  config?: object
  layer?: Buffer
  diffId?: string
  mediaType?: string
}): string {
  const directory = join(images.directory, `honest-${Math.random()}`)
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true })
  const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const put = (bytes: Buffer, mediaType: string): object => {
    writeFileSync(join(directory, 'blobs/sha256', sha(bytes)), bytes)
    return { mediaType, digest: `sha256:${sha(bytes)}`, size: bytes.length }
  }
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const tar = readFileSync(layer('honest', `file('bin/sh')`))
  const packed = over.layer ?? gzipSync(tar)
  const layers = [put(packed, over.mediaType ?? 'application/vnd.oci.image.layer.v1.tar+gzip')]
  const rootfs = { type: 'layers', diff_ids: [over.diffId ?? `sha256:${sha(tar)}`] }
  const config = put(
    json({ architecture: 'amd64', os: 'linux', rootfs, ...over.config }),
    'application/vnd.oci.image.config.v1+json',
  )
  const manifest = put(
    json({ schemaVersion: 2, config, layers }),
    'application/vnd.oci.image.manifest.v1+json',
  )
  writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests: [manifest] }))
  writeFileSync(join(directory, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  return `oci:${directory}`
}

test.for([
  ['for another machine', { config: { architecture: 'arm64', variant: 'v8' } }, /linux\/arm64/],
  ['for another system', { config: { os: 'windows' } }, /windows|no child with platform/],
  [
    'whose layer unpacks to something else',
    { diffId: `sha256:${'1'.repeat(64)}` },
    /unpacked, has the digest/,
  ],
  [
    'whose layer is no archive',
    { layer: Buffer.from('not gzip') },
    /cannot be unpacked|unpacked, has the digest/,
  ],
  [
    'whose layer is compressed otherwise',
    { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
    /tar\+zstd|cannot be/,
  ],
  ['whose shell is a text', {}, /is no program for x86-64|no \/bin\/sh/],
] as const)('an image %s is refused', async ([, over, message]) => {
  const before = stored()
  const error = await failure(honest(over))
  expect(error).toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(String(error)).toMatch(message)
  expect(stored()).toEqual(before)
})

test('imports of one image at the same time end with one image, under each name', async () => {
  const source = images.layout([images.root('echo twice > etc/t')])
  const done = await Promise.all(
    ['one', 'two', 'three'].map((name) => images.import(source, { name })),
  )
  const digests = new Set(done.map(({ digest }) => digest))
  expect(digests.size).toBe(1)
  expect(done.filter(({ isNew }) => isNew)).toHaveLength(1)
  expect(images.store.find('two').names).toEqual(['one', 'three', 'two'])
  expect(stored().filter((name) => name.startsWith('.'))).toEqual([])
  expect(await images.store.verify('three')).toEqual([])
})

test('what a killed import left is swept away by the next', async () => {
  const left = join(images.store.directory, '.incoming-2147483647-1')
  mkdirSync(join(left, 'unpacked'), { recursive: true })
  symlinkSync('/etc', join(left, 'link'))
  await images.import(images.layout([images.root('echo sweep > etc/t')]))
  expect([existsSync(left), existsSync('/etc/passwd')]).toEqual([false, true])
})

test('a disk that would be filled ends the import', async () => {
  const { unpackImage } = await import('./unpack-image.ts')
  const source = images.layout([images.root('truncate -s 64M etc/big')])
  sh(`chown -R 70905:70905 ${source.split(':')[1]}`)
  const directory = join(images.directory, 'full')
  mkdirSync(directory, { mode: 0o700 })
  const unpacking = unpackImage({
    layout: source.split(':')[1] ?? '',
    directory,
    uid: 70_905,
    keepFree: { path: directory, bytes: 2 ** 60 },
  })
  await expect(unpacking).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  await expect(unpacking).rejects.toThrow(/leaves less than/)
})
