import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { joinForSigning } from './batch-signature.ts'
import { canonicalForm, isObject, parseCanonical } from './canonical.ts'
import { formatCheckpoint } from './checkpoint.ts'
import { cosignedSubtree, cosignedText } from './cosignature.ts'
import { p256Check } from './crypto.ts'
import { readLeaf } from './leaf.ts'
import { consistencyProof, inclusionProof, leafHash, treeRoot } from './merkle.ts'
import { openNoteOf } from './note.ts'
import { type NoteCosigner, noteCosigner, noteSigner } from './note-signer.ts'
import { TileBuilder } from './tile-builder.ts'
import { formatBundle, tilePath } from './tiles.ts'
import { formatTlogProof, verifyTlogProof } from './tlog-proof.ts'
import { parseVkey } from './vkey.ts'

/**
 * Our own vectors, vectors/sekisho: written once (`vitest -u`) and reproduced byte by byte ever
 * since. ML-DSA-44 and ECDSA signatures hold randomness: the one in the file is taken over when it
 * verifies, and everything around it is made anew.
 */

const SIZE = 600
const ORIGIN = 'sekisho.example/log/vectors'
const WITNESS = 'witness.example/vectors'
const TIME_SECONDS = 1_767_323_045
const LEAVES = Array.from({ length: SIZE }, (_, i) => Buffer.from(`sekisho vector leaf ${i}`))
const HASHES = LEAVES.map(leafHash)
/** Published with the vectors: keys of nothing else. */
const SEEDS = {
  log: createHash('sha256').update('sekisho vectors: log, Ed25519').digest(),
  logPostQuantum: createHash('sha256').update('sekisho vectors: log, ML-DSA-44').digest(),
  witness: createHash('sha256').update('sekisho vectors: witness, Ed25519').digest(),
  session: createHash('sha256').update('sekisho vectors: session, P-256').digest(),
}
const PKCS8 = {
  ed25519: '302e020100300506032b657004220420',
  mlDsa44: '3034020100300b060960864801650304031104228020',
  p256: '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420',
}

const signer = noteSigner(ORIGIN, keyFrom(PKCS8.ed25519, SEEDS.log))
const postQuantum = noteCosigner(ORIGIN, keyFrom(PKCS8.mlDsa44, SEEDS.logPostQuantum))
const witness = noteCosigner(WITNESS, keyFrom(PKCS8.ed25519, SEEDS.witness))
const session = keyFrom(PKCS8.p256, SEEDS.session)
const TEXT = formatCheckpoint({ origin: ORIGIN, size: SIZE, root: treeRoot(HASHES) })

test('tiles, bundles, roots and proofs', async () => {
  const builder = TileBuilder.empty()
  const tiles = HASHES.flatMap((hash) => builder.append(hash))
  const bundles = [0, 1, 2].map((index) => {
    const leaves = LEAVES.slice(index * 256, (index + 1) * 256)
    const path = tilePath({ level: 'entries', index, width: leaves.length })
    return { path, bytes: formatBundle(leaves) }
  })
  await expectFile('tiles', {
    leaves: 'leaf i is the UTF-8 text "sekisho vector leaf i", i from 0 to 599, in decimal',
    size: SIZE,
    roots: Object.fromEntries(
      [0, 1, 2, 3, 255, 256, 257, 512, SIZE].map((size) => [
        size,
        base64(treeRoot(HASHES.slice(0, size))),
      ]),
    ),
    files: Object.fromEntries(
      [...tiles, ...builder.partial(), ...bundles].map(({ path, bytes }) => [
        path,
        { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
      ]),
    ),
    inclusion: [0, 255, 256, 511, 599].map((index) => ({
      index,
      size: SIZE,
      leafHash: base64(HASHES[index] ?? Buffer.alloc(0)),
      proof: inclusionProof(HASHES, index).map(base64),
    })),
    consistency: [1, 255, 256, 300, 512, 599].map((oldSize) => ({
      oldSize,
      size: SIZE,
      proof: consistencyProof(HASHES, oldSize).map(base64),
    })),
  })
})

test('a checkpoint with signatures of three types', async () => {
  const vkeys = [signer, postQuantum, witness].map(({ vkey }) => vkey)
  const note = `${signer.sign(TEXT)}${randomLine(vkeys)}${witness.cosign(TEXT, TIME_SECONDS)}`
  const opened = openNoteOf(note, vkeys.map(parseVkey))
  expect(opened).toMatchObject({ kind: 'opened', text: TEXT })
  expect(opened.kind === 'opened' && opened.by.length).toBe(3)
  const stated = { name: ORIGIN, timeSeconds: TIME_SECONDS }
  await expectFile('checkpoint', {
    seeds: {
      'log, Ed25519': SEEDS.log.toString('hex'),
      'log, ML-DSA-44': SEEDS.logPostQuantum.toString('hex'),
      'witness, Ed25519': SEEDS.witness.toString('hex'),
    },
    vkeys,
    signedMessages: {
      '0x01': Buffer.from(TEXT).toString('hex'),
      '0x04': cosignedText(TEXT, TIME_SECONDS).toString('hex'),
      '0x06': cosignedSubtree(TEXT, stated)?.toString('hex'),
    },
    timeSeconds: TIME_SECONDS,
    note,
  })
})

/** The ML-DSA-44 signature of the file, unless there is none that fits. */
function randomLine(vkeys: readonly string[]): string {
  const { note } = stored('checkpoint')
  const [line = ''] = typeof note === 'string' ? note.split('\n').slice(-3) : []
  const verifier = vkeys.map(parseVkey).find(({ type }) => type === 'subtree/v1')
  const kept = `${TEXT}\n${line}\n`
  const fits = verifier !== undefined && openNoteOf(kept, [verifier]).kind === 'opened'
  return fits ? `${line}\n` : cosigned(postQuantum)
}

function cosigned(cosigner: NoteCosigner): string {
  return cosigner.cosign(TEXT, TIME_SECONDS)
}

test('a proof of one leaf, in one text', async () => {
  const index = 300
  const proof = formatTlogProof({
    index,
    hashes: inclusionProof(HASHES, index),
    checkpoint: `${signer.sign(TEXT)}${cosigned(witness)}`,
  })
  const leaf = LEAVES[index] ?? Buffer.alloc(0)
  const keys = { log: parseVkey(signer.vkey), others: [parseVkey(witness.vkey)] }
  expect(verifyTlogProof(proof, { ...keys, leaf })).toMatchObject({ kind: 'proven', index })
  await expectFile('tlog-proof', {
    leaf: leaf.toString(),
    vkeys: [signer.vkey, witness.vkey],
    proof,
  })
})

test('a leaf of version 2, signed by its session’s key', async () => {
  const spki = createPublicKey(session).export({ format: 'der', type: 'spki' })
  const by = createHash('sha256').update(spki).digest('hex').slice(0, 32)
  const unsigned = canonicalForm(LEAF)
  const message = Buffer.from(`sekisho/leaf/v2\n${unsigned}`)
  const leaf = canonicalForm({ ...LEAF, sig: { by, value: keptSignature(message, spki) } })
  const facts = readLeaf(Buffer.from(leaf), true)
  expect(facts).toMatchObject({ version: 2, type: 'session.end', at: LEAF.at })
  await expectFile('leaf', {
    scalar: SEEDS.session.toString('hex'),
    spki: base64(spki),
    keyId: by,
    signedMessage: message.toString(),
    leaf,
    leafHash: base64(leafHash(Buffer.from(leaf))),
  })
})

test('leaves of version 2, signed together by their session’s key', async () => {
  const spki = createPublicKey(session).export({ format: 'der', type: 'spki' })
  const by = createHash('sha256').update(spki).digest('hex').slice(0, 32)
  const leaves = ['a', 'b', 'c'].map((id) => ({ ...LEAF, type: 'process.exec', id }))
  const texts = leaves.map((leaf) => `sekisho/leaf/v2\n${canonicalForm(leaf)}`)
  const { message, places } = joinForSigning(texts.map((text) => Buffer.from(text)))
  const value = randomSignature(message, spki, stored('leaves-together')['signature'])
  const batches = places.map(({ at, of, path }) => ({ at, of, path: path.map(base64) }))
  await expectFile('leaves-together', {
    scalar: SEEDS.session.toString('hex'),
    spki: base64(spki),
    keyId: by,
    texts,
    signedMessage: message.toString('hex'),
    signature: value,
    leaves: leaves.map((leaf, i) =>
      canonicalForm({ ...leaf, sig: { by, value, batch: batches[i] } }),
    ),
  })
})

const LEAF = {
  type: 'session.end',
  session: 's-00000000000000000000',
  v: 2,
  at: '2026-01-02T03:04:05.678Z',
  exitCode: 0,
  note: 'é, \u20ac and \u0007: RFC 8785 escapes only what it must',
}

function keptSignature(message: Buffer, spki: Buffer): string {
  const { leaf } = stored('leaf')
  const kept = typeof leaf === 'string' ? parseCanonical(Buffer.from(leaf))?.['sig'] : undefined
  return randomSignature(message, spki, isObject(kept) ? kept['value'] : undefined)
}

/** @param kept the one of the file, taken when it fits */
function randomSignature(message: Buffer, spki: Buffer, kept: unknown): string {
  const value = typeof kept === 'string' ? kept : ''
  const fits = p256Check(spki.subarray(-65))(message, Buffer.from(value, 'base64'))
  return fits ? value : base64(sign('sha256', message, { key: session, dsaEncoding: 'ieee-p1363' }))
}

function stored(name: string): Record<string, unknown> {
  const path = pathOf(name)
  const value: unknown = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  return isObject(value) ? value : {}
}

async function expectFile(name: string, vector: object): Promise<void> {
  await expect(`${JSON.stringify(vector, null, 2)}\n`).toMatchFileSnapshot(pathOf(name))
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../vectors/sekisho/${name}.json`, import.meta.url))
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64')
}

function keyFrom(prefix: string, seed: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from(prefix, 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}
