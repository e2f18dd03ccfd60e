import { HASH_BYTES, inclusionProofs, leafHash, rootOver } from './merkle.ts'

/**
 * One signature for several texts of one signer: over the root of the Merkle tree (RFC 9162 §2.1) whose
 * leaves they are. Each of them carries the signature and its path, so that each can be checked without
 * the others, and shows nothing of them but hashes.
 */

/** Texts under one signature; a path is then no longer than six hashes. */
export const MAX_SIGNED_TOGETHER = 64

/** Where one text stands among those that were signed together. */
export type BatchPlace = { at: number; of: number; path: readonly Buffer[] }

/** Stands before what is signed, so that it is a signature of nothing else. */
const SIGNED_AS = 'sekisho/batch/v1\n'

/**
 * @param texts each with its own context before it, 1 to {@link MAX_SIGNED_TOGETHER} of them
 * @returns what is to be signed, and the place of each text in its order
 */
export function joinForSigning(texts: readonly Uint8Array[]): {
  message: Buffer
  places: BatchPlace[]
} {
  const of = texts.length
  if (of < 1 || of > MAX_SIGNED_TOGETHER) throw new RangeError(`${of} texts under one signature`)
  const { root, paths } = inclusionProofs(texts.map((text) => leafHash(text)))
  return { message: messageOf(of, root), places: paths.map((path, at) => ({ at, of, path })) }
}

/**
 * What the signer has signed if `text` stands at this place: whether it did, its signature tells.
 *
 * @returns undefined for a place that cannot be
 */
export function signedTogether(text: Uint8Array, { at, of, path }: BatchPlace): Buffer | undefined {
  if (of < 1 || of > MAX_SIGNED_TOGETHER) return undefined
  if (path.some((hash) => hash.length !== HASH_BYTES)) return undefined
  const root = rootOver({ leaf: leafHash(text), index: at, size: of, proof: path })
  return root === undefined ? undefined : messageOf(of, root)
}

function messageOf(of: number, root: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${SIGNED_AS}${of}\n`), root])
}
