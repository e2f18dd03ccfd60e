import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatCheckpoint } from './checkpoint.ts'
import { inclusionProof, leafHash, treeRoot } from './merkle.ts'
import { addCosignature, noteCosigner, noteSigner } from './note-signer.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts'
import { parseVkey } from './vkey.ts'

const LEAVES = ['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(text))
const HASHES = LEAVES.map(leafHash)
const LEAF = LEAVES[2] ?? Buffer.alloc(0)
const signer = noteSigner('example.com/log', generateKeyPairSync('ed25519').privateKey)
const witness = noteCosigner('witness.example/w', generateKeyPairSync('ed25519').privateKey)
const stranger = noteCosigner('stranger.example/w', generateKeyPairSync('ed25519').privateKey)
const CHECKPOINT = addCosignature(signedFor(signer.name), witness, 1_767_323_045)
const PROOF = formatTlogProof({
  index: 2,
  hashes: inclusionProof(HASHES, 2),
  checkpoint: CHECKPOINT,
})
const keys = { leaf: LEAF, log: parseVkey(signer.vkey) }

test('a proof is written as the specification shows it', () => {
  const [first, index, ...rest] = PROOF.split('\n')
  expect([first, index]).toEqual(['c2sp.org/tlog-proof@v1', 'index 2'])
  expect(rest.slice(0, 5)).toEqual([
    ...inclusionProof(HASHES, 2).map((hash) => hash.toString('base64')),
    '',
    'example.com/log',
  ])
})

test('a leaf is proven, and by which keys', () => {
  const proven = verifyTlogProof(PROOF, { ...keys, others: [parseVkey(witness.vkey)] })
  expect(proven).toMatchObject({
    kind: 'proven',
    index: 2,
    checkpoint: { origin: 'example.com/log', size: 5, root: treeRoot(HASHES) },
    by: [{ timeSeconds: null }, { timeSeconds: 1_767_323_045 }],
  })
  const unasked = verifyTlogProof(PROOF, { ...keys, others: [parseVkey(stranger.vkey)] })
  expect(unasked).toMatchObject({ kind: 'proven', by: [{ verifier: { name: 'example.com/log' } }] })
})

test.for([
  ['another leaf', PROOF, { leaf: Buffer.from('d') }, 'leaf 2 of that checkpoint is not this one'],
  ['another index', PROOF.replace('index 2', 'index 3'), {}, 'leaf 3 of that checkpoint is not'],
  ['an index beyond the log', PROOF.replace('index 2', 'index 5'), {}, 'leaf 5 of that'],
  ['a shorter path', PROOF.replace(/(index 2\n)[^\n]+\n/, '$1'), {}, 'leaf 2 of that'],
  ['another size', PROOF.replace('log\n5\n', 'log\n6\n'), {}, 'a signature that does not fit'],
  ['another first line', PROOF.replace('@v1', '@v2'), {}, 'not a proof'],
  [
    'a checkpoint that only a witness signed',
    PROOF.replace(/— example.com.*\n/, ''),
    { others: [parseVkey(witness.vkey)] },
    'no signature by example.com/log',
  ],
  [
    'a cosignature that does not fit',
    PROOF.replace(/(?<=— witness.example\/w .{20})./, (one) => (one === 'A' ? 'B' : 'A')),
    { others: [parseVkey(witness.vkey)] },
    'a signature that does not fit',
  ],
  [
    'a checkpoint of another log',
    formatTlogProof({ index: 2, hashes: inclusionProof(HASHES, 2), checkpoint: signedFor('b') }),
    {},
    'a checkpoint of another log, b',
  ],
] as const)('a proof with %s is refused', ([, text, change, reason]) => {
  expect(verifyTlogProof(text, { ...keys, ...change })).toEqual({
    kind: 'refused',
    reason: expect.stringContaining(reason),
  })
})

test('what is written is read back, with and without extra data', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.array(hash, { maxLength: 53 }),
      fc.option(fc.uint8Array({ minLength: 1 }), { nil: undefined }),
      (index, hashes, extra) => {
        const proof = { index, hashes, checkpoint: CHECKPOINT }
        const whole = extra === undefined ? proof : { ...proof, extra: Buffer.from(extra) }
        expect(parseTlogProof(formatTlogProof(whole))).toEqual(whole)
      },
    ),
  )
})

/** The cases of github.com/transparency-dev/formats, proof/tlog_proof_test.go (Apache-2.0). */
test.for([
  ['another first line', 'wrong-header\nindex 0\n\ncheckpoint\n'],
  [
    'extra data in no base64',
    'c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n',
  ],
  ['no index', 'c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n'],
  ['an index that is no number', 'c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n'],
  ['an index below zero', 'c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n'],
  ['an index with a leading zero', 'c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n'],
  ['an index beyond 2^53', 'c2sp.org/tlog-proof@v1\nindex 9007199254740993\n\ncheckpoint\n'],
  ['a hash in no base64', 'c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n'],
  [
    'a hash of 64 bytes',
    `c2sp.org/tlog-proof@v1\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\ncheckpoint\n`,
  ],
  ['a path of 54 hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${hashLines(54)}\ncheckpoint\n`],
  ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n'],
  ['nothing', ''],
] as const)('refuses a proof with %s', ([, text]) => {
  expect(parseTlogProof(text)).toBeUndefined()
})

function hashLines(count: number): string {
  return `${Buffer.alloc(32).toString('base64')}\n`.repeat(count)
}

function signedFor(origin: string): string {
  return signer.sign(formatCheckpoint({ origin, size: 5, root: treeRoot(HASHES) }))
}
