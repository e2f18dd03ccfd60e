import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  inclusionProof,
  leafHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'

/** The leaves and roots that the Certificate Transparency reference implementations test with. */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => leafHash(Buffer.from(hex, 'hex')))
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

test.for(ROOTS.map((root, size) => ({ size, root })))(
  'the tree of $size leaves',
  ({ size, root }) => {
    expect(treeRoot(LEAVES.slice(0, size)).toString('hex')).toBe(root)
    expect(grow(LEAVES.slice(0, size)).root().toString('hex')).toBe(root)
  },
)

/** Known proofs of the same tree, as RFC 6962's reference code has them. */
test.for([
  { index: 0, size: 8, want: ['96a296d2', '5f083f0a', '6b47aaf2'] },
  { index: 5, size: 8, want: ['bc1a0643', 'ca854ea1', 'd37ee418'] },
  { index: 2, size: 3, want: ['fac54203'] },
  { index: 1, size: 5, want: ['6e340b9c', '5f083f0a', 'bc1a0643'] },
])('the inclusion proof of leaf $index in $size', ({ index, size, want }) => {
  const proof = inclusionProof(LEAVES.slice(0, size), index)
  expect(proof.map((hash) => hash.toString('hex').slice(0, 8))).toEqual(want)
})

test.for([
  { from: 1, to: 8, want: ['96a296d2', '5f083f0a', '6b47aaf2'] },
  { from: 6, to: 8, want: ['0ebc5d34', 'ca854ea1', 'd37ee418'] },
  { from: 2, to: 5, want: ['5f083f0a', 'bc1a0643'] },
])('the consistency proof from $from to $to', ({ from, to, want }) => {
  const proof = consistencyProof(LEAVES.slice(0, to), from)
  expect(proof.map((hash) => hash.toString('hex').slice(0, 8))).toEqual(want)
})

const trees = fc
  .array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 })
  .map((leaves) => leaves.map((leaf) => leafHash(leaf)))

test('a frontier has the root of the whole tree, at every size', () => {
  fc.assert(
    fc.property(trees, (leaves) => {
      const frontier = grow(leaves)
      expect(frontier.root()).toEqual(treeRoot(leaves))
      expect(Frontier.from(frontier.size, frontier.hashes)?.root()).toEqual(frontier.root())
    }),
  )
})

test('every inclusion proof holds, and for no other leaf, place or size', () => {
  fc.assert(
    fc.property(trees, fc.nat(), (leaves, at) => {
      const index = at % leaves.length
      const claim = {
        leaf: leaves[index] ?? EMPTY_ROOT,
        index,
        size: leaves.length,
        proof: inclusionProof(leaves, index),
        root: treeRoot(leaves),
      }
      expect(verifyInclusion(claim)).toBe(true)
      expect(verifyInclusion({ ...claim, leaf: leafHash(Buffer.from('another leaf')) })).toBe(false)
      expect(verifyInclusion({ ...claim, proof: [...claim.proof, EMPTY_ROOT] })).toBe(false)
      expect(verifyInclusion({ ...claim, index: leaves.length })).toBe(false)
      expect(verifyInclusion({ ...claim, index: -1 })).toBe(false)
      if (claim.proof.length > 0) {
        expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toBe(false)
        expect(verifyInclusion({ ...claim, proof: flipped(claim.proof) })).toBe(false)
      }
    }),
  )
})

test('every consistency proof holds, and not once either tree is another', () => {
  fc.assert(
    fc.property(trees, fc.nat(), (leaves, at) => {
      const oldSize = (at % leaves.length) + 1
      const claim = {
        oldSize,
        oldRoot: treeRoot(leaves.slice(0, oldSize)),
        newSize: leaves.length,
        newRoot: treeRoot(leaves),
        proof: consistencyProof(leaves, oldSize),
      }
      expect(verifyConsistency(claim)).toBe(true)
      expect(verifyConsistency({ ...claim, oldRoot: EMPTY_ROOT })).toBe(false)
      expect(verifyConsistency({ ...claim, newRoot: EMPTY_ROOT })).toBe(false)
      expect(verifyConsistency({ ...claim, oldSize: 0 })).toBe(false)
      expect(verifyConsistency({ ...claim, oldSize: leaves.length + 1 })).toBe(false)
      expect(verifyConsistency({ ...claim, proof: [...claim.proof, EMPTY_ROOT] })).toBe(false)
      if (claim.proof.length > 0) {
        expect(verifyConsistency({ ...claim, proof: flipped(claim.proof) })).toBe(false)
      }
    }),
  )
})

test('sizes above 2^32 keep their place', () => {
  const leaf = leafHash(Buffer.from('x'))
  const size = 2 ** 40
  const proof = Array.from({ length: 40 }, (_, i) => leafHash(Buffer.from([i])))
  const root = proof.reduce((node, hash) => leafHashOfPair(node, hash), leaf)
  expect(verifyInclusion({ leaf, index: 0, size, proof, root })).toBe(true)
  expect(verifyInclusion({ leaf, index: 2 ** 32, size, proof, root })).toBe(false)
})

test.for([
  ['too few hashes', 3, 1],
  ['too many hashes', 4, 2],
  ['a negative size', -1, 0],
  ['a fraction', 1.5, 1],
] as const)('refuses a frontier with %s', ([, size, count]) => {
  expect(Frontier.from(size, Array<Buffer>(count).fill(EMPTY_ROOT))).toBeUndefined()
})

function grow(leaves: readonly Buffer[]): Frontier {
  const frontier = Frontier.empty()
  for (const leaf of leaves) frontier.append(leaf)
  return frontier
}

function leafHashOfPair(left: Buffer, right: Buffer): Buffer {
  return treeRoot([left, right])
}

function flipped(proof: readonly Buffer[]): Buffer[] {
  return proof.map((hash, i) => (i === 0 ? Buffer.from(hash.map((byte) => byte ^ 1)) : hash))
}
