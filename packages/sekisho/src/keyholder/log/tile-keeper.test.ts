import { generateKeyPairSync, hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BLOCK_INDEX,
  leafHash,
  noteSigner,
  noteText,
  openTiles,
  parseCheckpoint,
  sealedLines,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, type LogOptions, openLog } from './open-log.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-tiles-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('each full tile is a file, and block records say where leaves stand', async () => {
  const log = await open()
  await write(log, 1000)
  await log.proofs()
  expect(readdirSync(join(dir, 'tile/0')).sort()).toEqual(['000', '001', '002'])
  expect(statSync(join(dir, 'tile/0/002')).size).toBe(8192)
  expect(readFileSync(join(dir, BLOCK_INDEX)).length).toBe(3 * 48 + 16)
  await log.close()
})

test('any leaf and any older tree are proven while the log grows, by the writer and by a reader', async () => {
  const log = await open()
  for (const count of [1, 254, 1, 1, 511, 233]) {
    await write(log, count)
    await proveAll(log)
  }
  await log.close()
})

test('more than 65,536 leaves have a second level, and a restart goes on from it', async () => {
  const log = await open()
  await write(log, 70_000)
  await log.close()
  expect(readdirSync(join(dir, 'tile/1'))).toEqual(['000'])
  const again = await open()
  await write(again, 300)
  await proveAll(again, [0, 255, 65_535, 65_536, 69_999, 70_000, 70_299])
  await again.close()
})

/** Each is done to the files of a log of 1,000 leaves while nobody writes it. */
const DAMAGE: readonly (readonly [string, () => void])[] = [
  ['no tiles at all', () => rmSync(join(dir, 'tile'), { recursive: true })],
  ['no index', () => rmSync(join(dir, BLOCK_INDEX))],
  ['neither', () => [join(dir, 'tile'), join(dir, BLOCK_INDEX)].forEach(remove)],
  ['a tile of zeroes', () => writeFileSync(join(dir, 'tile/0/001'), Buffer.alloc(8192))],
  ['a tile that was cut off', () => truncateSync(join(dir, 'tile/0/002'), 4000)],
  ['a tile that is empty', () => writeFileSync(join(dir, 'tile/0/000'), '')],
  ['an index of zeroes', () => writeFileSync(join(dir, BLOCK_INDEX), Buffer.alloc(160))],
  ['an index that points elsewhere', () => writeFileSync(join(dir, BLOCK_INDEX), shifted())],
  ['a tile of another log', () => writeFileSync(join(dir, 'tile/0/001'), Buffer.alloc(8192, 7))],
]

test.for(DAMAGE)(
  'with %s, a reader proves all the same, and a restart writes it anew',
  async ([, spoil]) => {
    const log = await open()
    await write(log, 1000)
    await log.close()
    const whole = files()
    spoil()
    await proveByReader(headOf(log), [0, 300, 767, 768, 999])
    const again = await open()
    await proveAll(again, [0, 300, 767, 768, 999])
    await again.close()
    expect(files()).toEqual(whole)
  },
)

test('an index torn anywhere is made whole', async () => {
  const log = await open()
  await write(log, 600)
  await log.close()
  const whole = rootsInIndex()
  const bytes = readFileSync(join(dir, BLOCK_INDEX))
  for (let length = 0; length < bytes.length; length += 5) {
    writeFileSync(join(dir, BLOCK_INDEX), bytes.subarray(0, length))
    const again = await open()
    await (await again.proofs()).inclusion(599)
    await again.close()
    expect([length, rootsInIndex()]).toEqual([length, whole])
  }
})

test('leaves that come while the tiles are made anew are in them', async () => {
  const first = await open()
  await write(first, 20_000)
  await first.close()
  rmSync(join(dir, 'tile'), { recursive: true })
  const log = await open()
  for (let n = 0; n < 20; n += 1) await write(log, 100)
  await proveAll(log, [0, 19_999, 20_000, 21_999])
  await log.close()
})

test('leaves that were changed on the disk are found when the tiles are compared', async () => {
  for (let n = 0; n < 3; n += 1) {
    const log = await open() // each in a segment of its own: at the start only the last is read
    await write(log, 400)
    await log.close()
  }
  const path = join(dir, '000000000002.log') // which repeats the batch of the first
  writeFileSync(path, readFileSync(path, 'utf8').replace('"n":300,', '"n":301,'))
  rmSync(join(dir, 'tile'), { recursive: true })
  const again = await open({ warn: () => undefined })
  await expect(again.proofs()).rejects.toMatchObject({ code: 'LOG_BROKEN' })
  await again.close()
})

test('tiles that cannot be written are told of once, and stop nothing', async () => {
  const warned: string[] = []
  mkdirSync(join(dir, 'tile'))
  writeFileSync(join(dir, 'tile/0'), 'in the way')
  const log = await open({ warn: (line) => void warned.push(line) })
  await write(log, 800)
  await proveAll(log, [0, 255, 799])
  await log.close()
  expect(warned).toEqual([expect.stringMatching(/^the log's tiles are not kept: Error: E/)])
})

function remove(path: string): void {
  rmSync(path, { recursive: true })
}

/** each block one byte further on */
function shifted(): Buffer {
  const bytes = readFileSync(join(dir, BLOCK_INDEX))
  for (let at = 0; at + 16 <= bytes.length; at += 48) {
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at + 8) + 1n, at + 8)
  }
  return bytes
}

function files(): Record<string, string> {
  const tiles = existsSync(join(dir, 'tile/0')) ? readdirSync(join(dir, 'tile/0')) : []
  const kept = tiles.map((name) => [name, hash('sha256', readFileSync(join(dir, 'tile/0', name)))])
  return { ...Object.fromEntries(kept), roots: rootsInIndex() }
}

/** Places change with a restart, which repeats the newest batch in a new segment. */
function rootsInIndex(): string {
  const index = readFileSync(join(dir, BLOCK_INDEX))
  const roots: Buffer[] = []
  for (let at = 16; at <= index.length; at += 48) roots.push(index.subarray(at, at + 32))
  return Buffer.concat(roots).toString('base64')
}

function open(over: Partial<LogOptions> = {}): Promise<Log> {
  return openLog({ dir, signer, now: () => new Date(), ...over })
}

async function write(log: Log, count: number): Promise<void> {
  for (let done = 0; done < count; done += 8000) {
    const some = Array.from({ length: Math.min(8000, count - done) }, (_, n) => ({
      type: 'test',
      n: log.size + n,
      text: 'x',
    }))
    await Promise.all(some.map((leaf) => log.append(leaf)))
  }
}

function headOf(log: Log): { size: number; root: Buffer } {
  const head = parseCheckpoint(noteText(log.checkpoint ?? ''))
  if (head === undefined) throw new Error('no checkpoint')
  return head
}

async function leafHashes(): Promise<Buffer[]> {
  const hashes: Buffer[] = []
  for await (const leaves of sealedLines(dir)) {
    for (const { bytes } of leaves) hashes.push(leafHash(bytes))
  }
  return hashes
}

async function proveAll(log: Log, indexes?: readonly number[]): Promise<void> {
  const proofs = await log.proofs()
  await prove(proofs, headOf(log), indexes)
  await proveByReader(headOf(log), indexes)
}

async function proveByReader(
  head: { size: number; root: Buffer },
  indexes?: readonly number[],
): Promise<void> {
  await prove(openTiles(dir, head), head, indexes)
}

async function prove(
  proofs: ReturnType<typeof openTiles>,
  { size, root }: { size: number; root: Buffer },
  indexes: readonly number[] = [0, Math.floor(size / 3), size - 1],
): Promise<void> {
  const hashes = await leafHashes()
  expect(hashes.length).toBe(size)
  for (const index of indexes) {
    const leaf = hashes[index] ?? root
    const proof = await proofs.inclusion(index)
    expect([index, verifyInclusion({ leaf, index, size, proof, root })]).toEqual([index, true])
    const bundle = await proofs.bundle(Math.floor(index / 256))
    expect(leafHash(bundle[index % 256] ?? root)).toEqual(leaf)
    const old = { oldSize: index + 1, oldRoot: treeRoot(hashes.slice(0, index + 1)) }
    const consistency = await proofs.consistency(index + 1)
    const claim = { ...old, newSize: size, newRoot: root, proof: consistency }
    expect([index, verifyConsistency(claim)]).toEqual([index, true])
  }
}
