import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  noteSigner,
  noteText,
  parseCheckpoint,
  parseTlogProof,
  parseVkey,
  TileReader,
  verifyTlogProof,
} from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../keyholder/log/open-log.ts'
import { log } from './log.ts'
import { said } from './testing/said.ts'

const SESSION = 's-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-prove-'))
  vi.stubEnv('SEKISHO_HOME', home)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

const directory = (): string => join(home, 'state/keyholder/log')
const served = (): string => join(home, 'served')

test('a proof has its leaf, and whoever has the log’s key needs nothing else', async () => {
  await writeLog(600)
  for (const index of [0, 255, 256, 599]) {
    const { code, out } = await said(log, 'prove', String(index))
    expect(code).toBe(0)
    const text = `${out.join('\n')}\n`
    const leaf = parseTlogProof(text)?.extra ?? Buffer.alloc(0)
    expect(JSON.parse(leaf.toString('utf8'))).toMatchObject({ type: 'test', n: index })
    const proven = verifyTlogProof(text, { leaf, log: parseVkey(signer.vkey) })
    expect(proven).toMatchObject({ kind: 'proven', index, checkpoint: { size: 600 } })
    const other = verifyTlogProof(text, { leaf: Buffer.from('{}'), log: parseVkey(signer.vkey) })
    expect(other).toMatchObject({ kind: 'refused' })
  }
})

test('an action is proven leaf by leaf', async () => {
  await writeLog(10, [
    { type: 'action.intent', session: SESSION, id: 'a', verdict: { kind: 'allow', rules: [] } },
    { type: 'test', about: '"id":"a"' },
    { type: 'action.outcome', session: SESSION, id: 'a' },
  ])
  const { out } = await said(log, 'prove', 'a', '--json')
  expect(out.map((line) => JSON.parse(line).index)).toEqual([10, 12])
  const files = await said(log, 'prove', 'a', '--session', SESSION, '--out', join(home, 'proofs'))
  expect(files.out).toEqual([10, 12].map((index) => join(home, 'proofs', `${index}.tlog-proof`)))
  const { code } = await said(log, 'prove', '12', '--log', directory(), '--key', signer.vkey)
  expect(code).toBe(0)
})

test.for([['600'], ['nobody'], ['999999999999999']] as const)(
  'what the log does not have, as %s, cannot be proven',
  async ([wanted]) => {
    await writeLog(600)
    await expect(said(log, 'prove', wanted)).rejects.toMatchObject({ code: 'LEAF_UNKNOWN' })
  },
)

test('a log of another key is not proven by this one', async () => {
  await writeLog(3)
  const other = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
  await expect(said(log, 'prove', '1', '--key', other.vkey)).rejects.toMatchObject({
    code: 'LOG_BROKEN',
    message: expect.stringContaining('the newest checkpoint is refused'),
  })
  await expect(said(log, 'prove', '1', '--key', 'hello')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  })
})

test('an empty log, or none, is a clear error', async () => {
  await expect(said(log, 'prove', '0')).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await writeLog(0)
  await expect(said(log, 'prove', '0')).rejects.toMatchObject({
    message: 'the log has no leaf yet',
  })
})

test('the static form of the log grows with it, and gives each leaf of each time', async () => {
  for (const [more, before] of [
    [10, 0],
    [0, 10],
    [300, 10],
    [700, 310],
    [14, 1010],
  ] as const) {
    const size = before + more
    await writeLog(more)
    const { out } = await said(log, 'tiles', '--out', served(), '--json')
    expect(JSON.parse(out[0] ?? '')).toEqual({ directory: served(), size, from: before })
    await readServed(size)
  }
  expect(readdirSync(join(served(), 'tile/entries'))).toEqual(['000', '001', '002', '003'])
})

test('tiles that were spoiled where they are served are written anew', async () => {
  await writeLog(600)
  await said(log, 'tiles', '--out', served())
  rmSync(join(served(), 'tile/0/000'))
  await writeLog(5)
  await said(log, 'tiles', '--out', served())
  await readServed(605)
})

test('a directory that a later state of the log was written to is not overwritten', async () => {
  await writeLog(20)
  await said(log, 'tiles', '--out', served())
  rmSync(directory(), { recursive: true })
  await writeLog(20)
  await expect(said(log, 'tiles', '--out', served())).rejects.toMatchObject({
    code: 'LOG_BROKEN',
    message: expect.stringContaining('is not of this log’s past'),
  })
})

test('tiles that are to go into a file blame the file, not the log', async () => {
  await writeLog(2)
  writeFileSync(served(), 'a file')
  await expect(said(log, 'tiles', '--out', served())).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/^\S+served\/\S+ cannot be written$/),
    hint: expect.stringContaining('--out is a directory'),
  })
  expect(readFileSync(served(), 'utf8')).toBe('a file')
})

test('tiles without a place to go are a mistake of usage', async () => {
  await expect(said(log, 'tiles')).rejects.toMatchObject({ code: 'USAGE' })
})

async function writeLog(count: number, more: readonly object[] = []): Promise<void> {
  const written = await openLog({ dir: directory(), signer, now: () => new Date() })
  const first = written.size
  const leaves = Array.from({ length: count }, (_, n) => ({ type: 'test', n: first + n }))
  await Promise.all([...leaves, ...more].map((leaf) => written.append(leaf)))
  await written.close()
  writeFileSync(join(home, 'state/log.vkey'), `${signer.vkey}\n`)
}

/** As a client reads it that has only the files. */
async function readServed(size: number): Promise<void> {
  const note = readFileSync(join(served(), 'checkpoint'), 'utf8')
  const head = parseCheckpoint(noteText(note))
  if (head === undefined) throw new Error('no checkpoint')
  expect(head.size).toBe(size)
  const read = async (path: string): Promise<Buffer | undefined> => {
    try {
      return readFileSync(join(served(), path))
    } catch {
      return undefined
    }
  }
  const reader = await TileReader.open(head, { read })
  const leaves: unknown[] = []
  for (let block = 0; block * 256 < size; block += 1) {
    for (const leaf of await reader.bundle(block)) leaves.push(JSON.parse(leaf.toString('utf8')).n)
  }
  expect(leaves).toEqual(Array.from({ length: size }, (_, n) => n))
  expect(await reader.root(size)).toEqual(head.root)
}
