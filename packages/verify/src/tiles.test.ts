import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  consistencyProof,
  EMPTY_ROOT,
  inclusionProof,
  leafHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { TileBuilder } from './tile-builder.ts'
import { TileReader, type TileSource } from './tile-reader.ts'
import {
  formatBundle,
  parseBundle,
  parseTile,
  parseTilePath,
  partialTiles,
  tileAt,
  tilePath,
} from './tiles.ts'

const BIG = 256 * 256 + 2 * 256 + 3
const LEAVES = Array.from({ length: BIG }, (_, i) => Buffer.from(`leaf ${i}`))
const HASHES = LEAVES.map(leafHash)
const FILES = filesOf(BIG)

test.for([
  ['tile/0/000', { level: 0, index: 0, width: 256 }],
  ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
  ['tile/1/x001/000.p/17', { level: 1, index: 1000, width: 17 }],
  ['tile/entries/999.p/255', { level: 'entries', index: 999, width: 255 }],
  ['tile/63/000.p/1', { level: 63, index: 0, width: 1 }],
] as const)('%s is the path of that tile', ([path, tile]) => {
  expect(tilePath(tile)).toBe(path)
  expect(parseTilePath(path)).toEqual(tile)
})

test.for([
  'tile/64/000',
  'tile/00/000',
  'tile/0/0000',
  'tile/0/x000/001',
  'tile/0/x001',
  'tile/0/001/002',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/0/000.p/01',
  'tile/0/../000',
  '/tile/0/000',
  'tile/0/x999/x999/x999/x999/x999/999',
])('%s is the path of no tile', (path) => {
  expect(parseTilePath(path)).toBeUndefined()
})

test('a tree of 70,000 leaves has the tiles that the specification counts', () => {
  expect(partialTiles(70_000)).toEqual([
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ])
  expect(tileAt({ level: 0, index: 272 }, 70_000)).toEqual({ level: 0, index: 272, width: 256 })
  expect(tileAt({ level: 0, index: 274 }, 70_000)).toBeUndefined()
  expect(tileAt({ level: 'entries', index: 273 }, 70_000)?.width).toBe(112)
  expect(partialTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }])
})

test('a bundle is read back as the leaves it was made of, and as nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (leaves) => {
      const bundle = formatBundle(leaves)
      const read = parseBundle(bundle, leaves.length)
      expect(read?.map((leaf) => [...leaf])).toEqual(leaves.map((leaf) => [...leaf]))
      expect(parseBundle(bundle, leaves.length + 1)).toBeUndefined()
      expect(parseBundle(Buffer.concat([bundle, Buffer.from([0])]), leaves.length)).toBeUndefined()
      if (bundle.length > 0) {
        expect(parseBundle(bundle.subarray(0, -1), leaves.length)).toBeUndefined()
      }
    }),
  )
  expect(() => formatBundle([Buffer.alloc(65_536)])).toThrow(RangeError)
})

test.for([1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, BIG])(
  'the builder has the root of %i leaves, from the start and resumed',
  async (size) => {
    const builder = TileBuilder.empty()
    for (const hash of HASHES.slice(0, size)) builder.append(hash)
    expect(builder.root()).toEqual(treeRoot(HASHES.slice(0, size)))
    const resumed = await TileBuilder.resume({
      size,
      tail: HASHES.slice(size - (size % 256), size),
      read: async (path) => FILES.get(path),
    })
    expect(resumed.root()).toEqual(builder.root())
    expect(resumed.partial()).toEqual(builder.partial())
    expect(resumed.append(HASHES[0] ?? EMPTY_ROOT)).toEqual(builder.append(HASHES[0] ?? EMPTY_ROOT))
  },
)

test('nothing is resumed from a tile that is missing, or with another tail', async () => {
  const from = { size: 513, tail: HASHES.slice(512, 513), read: async () => undefined }
  await expect(TileBuilder.resume(from)).rejects.toThrow('tile/0/000 is no full tile')
  await expect(TileBuilder.resume({ ...from, tail: [] })).rejects.toThrow('not the tail of 513')
})

test('every proof from tiles is the one that RFC 9162 defines, at any size', async () => {
  const sizes = fc.integer({ min: 1, max: 1500 })
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
      const leaves = HASHES.slice(0, size)
      const reader = await TileReader.open({ size, root: treeRoot(leaves) }, filesFor(size))
      const index = a % size
      const smaller = 1 + (b % size)
      expect(await reader.inclusion(index)).toEqual(inclusionProof(leaves, index))
      expect(await reader.consistency(smaller)).toEqual(consistencyProof(leaves, smaller))
      expect(await reader.root(smaller)).toEqual(treeRoot(leaves.slice(0, smaller)))
      if (index < smaller) {
        const proof = inclusionProof(leaves.slice(0, smaller), index)
        expect(await reader.inclusion(index, smaller)).toEqual(proof)
      }
    }),
    { numRuns: 60 },
  )
})

test('a tree over three levels of tiles is proven with a few reads', async () => {
  const root = treeRoot(HASHES)
  let reads = 0
  const source: TileSource = {
    read: async (path) => {
      reads += 1
      return FILES.get(path)
    },
  }
  const reader = await TileReader.open({ size: BIG, root }, source)
  const proof = await reader.inclusion(12_345)
  expect(reads).toBeLessThanOrEqual(6)
  const leaf = HASHES[12_345] ?? EMPTY_ROOT
  expect(verifyInclusion({ leaf, index: 12_345, size: BIG, proof, root })).toBe(true)
  const old = { oldSize: 40_000, oldRoot: await reader.root(40_000) }
  const consistency = await reader.consistency(40_000)
  expect(reads).toBeLessThanOrEqual(8)
  expect(verifyConsistency({ ...old, newSize: BIG, newRoot: root, proof: consistency })).toBe(true)
})

test('the empty tree has no tiles and a root', async () => {
  const reader = await TileReader.open({ size: 0, root: EMPTY_ROOT }, new Files(new Map()))
  expect(await reader.root(0)).toEqual(EMPTY_ROOT)
  await expect(reader.inclusion(0)).rejects.toThrow(RangeError)
  await expect(reader.consistency(0)).rejects.toThrow(RangeError)
})

test('each byte of every tile that a proof reads counts, and each missing tile is named', async () => {
  const size = 70_000 - 4000
  const root = treeRoot(HASHES.slice(0, size))
  const used = new Set<string>()
  const prove = async (files: TileSource): Promise<Buffer[]> =>
    (await TileReader.open({ size, root }, files)).inclusion(3)
  const honest = filesFor(size)
  await prove({
    read: (path) => {
      used.add(path)
      return honest.read(path)
    },
  })
  expect([...used].toSorted()).toEqual([
    'tile/0/000',
    'tile/0/257.p/208',
    'tile/1/000',
    'tile/1/001.p/1',
    'tile/2/000.p/1',
  ])
  for (const path of used) {
    const bytes = (await honest.read(path)) ?? Buffer.alloc(0)
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const spoilt = Buffer.from(bytes)
      spoilt.writeUInt8((spoilt[at] ?? 0) ^ 1, at)
      await expect(prove(honest.with(path, spoilt))).rejects.toThrow(/vouches for|tree head/)
    }
    await expect(prove(honest.with(path, bytes.subarray(1)))).rejects.toThrow(path)
    await expect(prove(honest.with(path, undefined))).rejects.toThrow(`${path} is missing`)
  }
})

test('a partial tile that has given way to its full one is read from that', async () => {
  const size = 300
  const root = treeRoot(HASHES.slice(0, size))
  const later = new Files(FILES)
  const reader = await TileReader.open({ size, root }, later.with('tile/1/000.p/1', undefined))
  expect(await reader.inclusion(299)).toEqual(inclusionProof(HASHES.slice(0, size), 299))
  expect(await reader.bundle(1)).toEqual(LEAVES.slice(256, 300))
})

test('leaves of a bundle are compared with the tree', async () => {
  const size = 600
  const head = { size, root: treeRoot(HASHES.slice(0, size)) }
  const honest = filesFor(size)
  const reader = await TileReader.open(head, honest)
  expect(await reader.bundle(0)).toEqual(LEAVES.slice(0, 256))
  expect(await reader.bundle(2)).toEqual(LEAVES.slice(512, 600))
  await expect(reader.bundle(3)).rejects.toThrow('no bundle 3')
  const swapped = formatBundle([...LEAVES.slice(1, 2), ...LEAVES.slice(1, 256)])
  const lying = await TileReader.open(head, honest.with('tile/entries/000', swapped))
  await expect(lying.bundle(0)).rejects.toThrow('tile/entries/000 is not what the tree head')
})

test('tiles of another log are not those of the tree head', async () => {
  const head = { size: 300, root: treeRoot(HASHES.slice(1, 301)) }
  await expect(TileReader.open(head, filesFor(300))).rejects.toThrow('not those of the tree head')
})

test('a tile has whole hashes, as many as its name says', () => {
  expect(parseTile(Buffer.alloc(64), 2)).toHaveLength(2)
  for (const bytes of [0, 32, 63, 65, 96]) expect(parseTile(Buffer.alloc(bytes), 2)).toBeUndefined()
})

class Files implements TileSource {
  readonly #files: ReadonlyMap<string, Buffer>

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = files
  }

  read(path: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.#files.get(path))
  }

  with(path: string, bytes: Buffer | undefined): Files {
    const files = new Map(this.#files)
    files.delete(path)
    if (bytes !== undefined) files.set(path, bytes)
    return new Files(files)
  }
}

function filesFor(size: number): Files {
  return new Files(filesOf(size))
}

function filesOf(size: number): Map<string, Buffer> {
  const builder = TileBuilder.empty()
  const files = new Map<string, Buffer>()
  for (const hash of HASHES.slice(0, size)) {
    for (const { path, bytes } of builder.append(hash)) files.set(path, bytes)
  }
  for (const { path, bytes } of builder.partial()) files.set(path, bytes)
  for (let index = 0; index * 256 < size; index += 1) {
    const leaves = LEAVES.slice(index * 256, Math.min(size, (index + 1) * 256))
    files.set(tilePath({ level: 'entries', index, width: leaves.length }), formatBundle(leaves))
  }
  return files
}
