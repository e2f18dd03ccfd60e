import { sha256 } from './crypto.ts'

/** The Merkle tree of RFC 9162 §2.1 (the same as RFC 6962's) over SHA-256. */

export const HASH_BYTES = 32
const LEAF_PREFIX = Buffer.from([0x00])
const NODE_PREFIX = Buffer.from([0x01])

/** Root of the tree without leaves: the hash of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0))

export function leafHash(leaf: Uint8Array): Buffer {
  return sha256(Buffer.concat([LEAF_PREFIX, leaf]))
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(Buffer.concat([NODE_PREFIX, left, right]))
}

/**
 * The right edge of a growing tree: one hash for each full subtree, largest first.
 * All that is needed to append and to know the root; about log2(size) hashes.
 */
export class Frontier {
  #size: number
  readonly #hashes: Buffer[]
  /** of this size; each batch of the log asks for it twice */
  #root: Buffer | undefined

  private constructor(size: number, hashes: Buffer[]) {
    this.#size = size
    this.#hashes = hashes
  }

  static empty(): Frontier {
    return new Frontier(0, [])
  }

  /** undefined unless there is exactly one hash for each full subtree of a tree of that size */
  static from(size: number, hashes: readonly Buffer[]): Frontier | undefined {
    if (!Number.isSafeInteger(size) || size < 0) return undefined
    if (hashes.length !== fullSubtrees(size)) return undefined
    if (hashes.some((hash) => hash.length !== HASH_BYTES)) return undefined
    return new Frontier(size, [...hashes])
  }

  get size(): number {
    return this.#size
  }

  get hashes(): readonly Buffer[] {
    return this.#hashes
  }

  append(leaf: Buffer): void {
    let node = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#hashes.pop()
      if (left === undefined) throw new Error('the frontier lost a subtree')
      node = nodeHash(left, node)
    }
    this.#hashes.push(node)
    this.#size += 1
    this.#root = undefined
  }

  root(): Buffer {
    this.#root ??=
      this.#hashes.reduceRight<Buffer | undefined>(
        (right, left) => (right === undefined ? left : nodeHash(left, right)),
        undefined,
      ) ?? EMPTY_ROOT
    return this.#root
  }

  copy(): Frontier {
    return new Frontier(this.#size, [...this.#hashes])
  }
}

function fullSubtrees(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

/** Root over leaf hashes already in memory (RFC 9162 §2.1.1). */
export function treeRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves
  if (only === undefined) return EMPTY_ROOT
  if (leaves.length === 1) return only
  const split = splitOf(leaves.length)
  return nodeHash(treeRoot(leaves.slice(0, split)), treeRoot(leaves.slice(split)))
}

/** The path that proves leaf `index` of the tree over `leaves` (RFC 9162 §2.1.3.1). */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (!(index >= 0 && index < leaves.length)) throw new RangeError(`no leaf ${index}`)
  if (leaves.length === 1) return []
  const split = splitOf(leaves.length)
  const left = leaves.slice(0, split)
  const right = leaves.slice(split)
  return index < split
    ? [...inclusionProof(left, index), treeRoot(right)]
    : [...inclusionProof(right, index - split), treeRoot(left)]
}

/** As {@link inclusionProof}, of each leaf; one hash for each node of the tree. */
export function inclusionProofs(leaves: readonly Buffer[]): { root: Buffer; paths: Buffer[][] } {
  if (leaves.length <= 1) return { root: treeRoot(leaves), paths: leaves.map(() => []) }
  const split = splitOf(leaves.length)
  const left = inclusionProofs(leaves.slice(0, split))
  const right = inclusionProofs(leaves.slice(split))
  for (const path of left.paths) path.push(right.root)
  for (const path of right.paths) path.push(left.root)
  return { root: nodeHash(left.root, right.root), paths: [...left.paths, ...right.paths] }
}

/** The path that proves the first `size` leaves a prefix of `leaves` (RFC 9162 §2.1.4.1). */
export function consistencyProof(leaves: readonly Buffer[], size: number): Buffer[] {
  if (!(size >= 1 && size <= leaves.length)) throw new RangeError(`no tree of size ${size}`)
  return subproof(leaves, size, true)
}

function subproof(leaves: readonly Buffer[], size: number, whole: boolean): Buffer[] {
  if (size === leaves.length) return whole ? [] : [treeRoot(leaves)]
  const split = splitOf(leaves.length)
  const left = leaves.slice(0, split)
  const right = leaves.slice(split)
  return size <= split
    ? [...subproof(left, size, whole), treeRoot(right)]
    : [...subproof(right, size - split, false), treeRoot(left)]
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** RFC 9162 §2.1.3.2. Sizes up to 2^53: no bit operators, which stop at 2^32. */
export function verifyInclusion(claim: {
  leaf: Buffer
  index: number
  size: number
  proof: readonly Buffer[]
  root: Buffer
}): boolean {
  return rootOver(claim)?.equals(claim.root) ?? false
}

/** The root that a leaf has at its place by its path; undefined where the path does not lead to one. */
export function rootOver(claim: {
  leaf: Buffer
  index: number
  size: number
  proof: readonly Buffer[]
}): Buffer | undefined {
  const { leaf, index, size, proof } = claim
  if (!isPosition(index) || !isPosition(size) || index >= size) return undefined
  const climb = { at: index, last: size - 1 }
  let node = leaf
  for (const hash of proof) {
    const side = stepUp(climb)
    if (side === 'top') return undefined
    node = side === 'left' ? nodeHash(hash, node) : nodeHash(node, hash)
  }
  return climb.last === 0 ? node : undefined
}

type Trees = { oldSize: number; oldRoot: Buffer; newSize: number; newRoot: Buffer }

/** RFC 9162 §2.1.4.2. */
export function verifyConsistency(claim: Trees & { proof: readonly Buffer[] }): boolean {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim
  if (!isPosition(oldSize) || !isPosition(newSize)) return false
  if (oldSize === 0 || oldSize > newSize) return false
  if (oldSize === newSize) return proof.length === 0 && oldRoot.equals(newRoot)
  return foldConsistency(isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof, claim)
}

function foldConsistency([first, ...proof]: readonly Buffer[], trees: Trees): boolean {
  if (first === undefined) return false
  const climb = { at: trees.oldSize - 1, last: trees.newSize - 1 }
  while (climb.at % 2 === 1) raise(climb)
  let oldNode = first
  let newNode = first
  for (const hash of proof) {
    const side = stepUp(climb)
    if (side === 'top') return false
    if (side === 'left') oldNode = nodeHash(hash, oldNode)
    newNode = side === 'left' ? nodeHash(hash, newNode) : nodeHash(newNode, hash)
  }
  return climb.last === 0 && oldNode.equals(trees.oldRoot) && newNode.equals(trees.newRoot)
}

/** A node on its way to the root: its place in its level, and that of the level's last node. */
type Climb = { at: number; last: number }

/** The side that the next hash of a proof joins from; moves to the level of the joined node. */
function stepUp(climb: Climb): 'left' | 'right' | 'top' {
  if (climb.last === 0) return 'top'
  const side = climb.at % 2 === 1 || climb.at === climb.last ? 'left' : 'right'
  // a lonely last node has no sibling on these levels: it is its own parent
  if (side === 'left') while (climb.at % 2 === 0 && climb.at !== 0) raise(climb)
  raise(climb)
  return side
}

function raise(climb: Climb): void {
  climb.at = half(climb.at)
  climb.last = half(climb.last)
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isPowerOfTwo(value: number): boolean {
  return fullSubtrees(value) === 1
}
