import { verify } from 'node:crypto'
import { leafHash, parseCanonical, signedLeafBytes } from '@sekisho/verify'
import { expect, test } from 'vitest'
import { leafKey } from '../testing/leaf-key.ts'
import { intent } from '../testing/leaves.ts'
import { signedMessage } from '../testing/signed-message.ts'
import { type PreparedLeaf, signLeaves } from './leaf-signing.ts'
import { type DraftLeaf, draftLeaf, type LeafSigner, MAX_SIGNATURE_BYTES } from './leaf-text.ts'

const AT = { nowText: '2026-01-02T03:04:05.678Z', after: null }

function counted(): ReturnType<typeof leafKey> & { signed: number } {
  const key = leafKey()
  const counting = {
    ...key,
    signed: 0,
    sign: (bytes: Uint8Array) => {
      counting.signed += 1
      return key.sign(bytes)
    },
  }
  return counting
}

function draft(id: string, signer?: LeafSigner): DraftLeaf {
  return draftLeaf(intent(id), { ...AT, signer })
}

/** As an auditor checks it, from nothing but the line. */
function isSignedBy(key: ReturnType<typeof leafKey>, { line }: PreparedLeaf): boolean {
  const bytes = line.subarray(0, -1)
  const leaf = parseCanonical(bytes)
  if (leaf === undefined) return false
  const { by, value, message } = signedMessage(signedLeafBytes(leaf, bytes), leaf['sig'])
  const options = { key: key.publicKey, dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', message, options, value) && by === key.keyId
}

test('leaves of one signer share a signature, 64 at most, and each is checked without the others', () => {
  const [one, other] = [counted(), counted()]
  // 130 of the one, every third of the other or of nobody
  const drafts = Array.from({ length: 195 }, (_, n) =>
    draft(`a${n}`, n % 3 < 2 ? one : n % 2 === 0 ? other : undefined),
  )
  const prepared = signLeaves(drafts)
  expect([one.signed, other.signed]).toEqual([3, 1])
  for (const [n, leaf] of prepared.entries()) {
    const { line, facts } = leaf
    expect(parseCanonical(line.subarray(0, -1))).toMatchObject({ id: `a${n}` })
    expect(facts.hash).toEqual(leafHash(line.subarray(0, -1)))
    const signer = drafts[n]?.signed?.by
    if (signer === undefined) expect(line.includes('"sig"')).toBe(false)
    else expect([n, isSignedBy(signer === one ? one : other, leaf)]).toEqual([n, true])
  }
})

test('a leaf that is alone in its batch is signed by itself', () => {
  const key = leafKey()
  const [leaf] = signLeaves([draft('a', key)])
  expect(parseCanonical(leaf?.line.subarray(0, -1) ?? Buffer.alloc(0))?.['sig']).toEqual({
    by: key.keyId,
    value: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
  })
})

test('a leaf is refused when it would be too long with the longest signature', () => {
  const key = leafKey()
  const filled = (bytes: number): DraftLeaf =>
    draftLeaf({ type: 'test', text: 'x'.repeat(bytes) }, { ...AT, signer: key })
  const around = filled(0).maxBytes - 1
  const drafts = Array.from({ length: 64 }, () => filled(65_535 - around))
  const lengths = signLeaves(drafts).map(({ line }) => line.length - 1)
  expect([Math.max(...lengths), lengths[63]]).toEqual([65_535, 65_535])
  expect(() => filled(65_536 - around)).toThrow('a leaf of 65536 bytes')
  expect(around - MAX_SIGNATURE_BYTES).toBe(draftLeaf({ type: 'test', text: '' }, AT).text.length)
})
