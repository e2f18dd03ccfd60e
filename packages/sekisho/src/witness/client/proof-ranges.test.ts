import { consistencyProof, Frontier, leafHash, treeRoot } from '@sekisho/verify'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { edgeRanges, proofRanges } from './proof-ranges.ts'

const hashes = Array.from({ length: 300 }, (_, index) => leafHash(Buffer.from(`${index}`)))

test('the ranges are those of the consistency proof, and those of the old tree are its edge', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(299), (newSize, less) => {
      const oldSize = Math.max(1, newSize - less)
      const ranges = proofRanges(oldSize, newSize)
      const leaves = hashes.slice(0, newSize)
      const roots = ranges.map(({ start, end }) => treeRoot(leaves.slice(start, end)))
      expect(roots).toEqual(consistencyProof(leaves, oldSize))
      const edge = edgeRanges(oldSize).map(({ start }) => start)
      const inOld = ranges.filter(({ end }) => end <= oldSize)
      expect(inOld.every(({ start }) => edge.includes(start))).toBe(true)
      expect(ranges.every(({ start, end }) => end <= oldSize || start >= oldSize)).toBe(true)
    }),
  )
})

test('the edge of a tree is what a frontier has hashes of', () => {
  fc.assert(
    fc.property(fc.nat(300), (size) => {
      const frontier = Frontier.empty()
      for (const hash of hashes.slice(0, size)) frontier.append(hash)
      const roots = edgeRanges(size).map(({ start, end }) => treeRoot(hashes.slice(start, end)))
      expect(roots).toEqual(frontier.hashes)
    }),
  )
})
