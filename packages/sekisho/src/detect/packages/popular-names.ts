import { isOneSlipApart, looksOf } from './likeness.ts'

/** A published list of well-known packages, and where it comes from. */
export type PopularList = {
  names: readonly string[]
  /** shown in findings: what was published, its version, and when */
  source: string
}

export type Lookalike = {
  /** the well-known package */
  of: string
  how: 'one-slip' | 'same-letters' | 'same-words'
}

/** Shorter names are one slip away from each other by chance. */
const MIN_LENGTH = 5
const BUCKET_BITS = 18

/**
 * Well-known names of one ecosystem, and what is nearly one of them. Built once, in some
 * 50 ms for 17,000 names.
 *
 * Names one slip apart (Damerau-Levenshtein distance 1) have a common spelling once a character is
 * left out of one or both; the index holds every such spelling of every name by its hash alone,
 * and each hit is then compared in full.
 */
export class PopularNames {
  readonly source: string
  readonly #names: readonly string[]
  readonly #lowered: readonly string[]
  readonly #known: ReadonlySet<string>
  readonly #scopes: ReadonlySet<string>
  readonly #skeletons = new Map<string, string>()
  readonly #words = new Map<string, string>()
  readonly #starts: Uint32Array
  readonly #entries: Uint32Array

  constructor({ names, source }: PopularList) {
    this.source = source
    this.#names = names
    this.#lowered = names.map((name) => name.toLowerCase())
    this.#known = new Set(names)
    this.#scopes = new Set(names.filter((name) => name.startsWith('@')).map(scopeOf))
    for (const name of names) {
      const { skeleton, words } = looksOf(name)
      setOnce(this.#skeletons, skeleton, name)
      if (words !== undefined) setOnce(this.#words, words, name)
    }
    const index = indexSlips(this.#lowered)
    this.#starts = index.starts
    this.#entries = index.entries
  }

  get size(): number {
    return this.#known.size
  }

  has(name: string): boolean {
    return this.#known.has(name)
  }

  /**
   * The well-known package that a name could be taken for; undefined for one that is well known
   * itself, or that stands in the scope of one: nobody else publishes there.
   */
  lookalike(name: string): Lookalike | undefined {
    if (this.#known.has(name) || name.length < MIN_LENGTH) return undefined
    if (name.startsWith('@') && this.#scopes.has(scopeOf(name))) return undefined
    const near = this.#oneSlip(name.toLowerCase())
    if (near !== undefined) return { of: near, how: 'one-slip' }
    const { skeleton, words } = looksOf(name)
    const same = this.#skeletons.get(skeleton)
    if (same !== undefined) return { of: same, how: 'same-letters' }
    const turned = words === undefined ? undefined : this.#words.get(words)
    return turned === undefined ? undefined : { of: turned, how: 'same-words' }
  }

  #oneSlip(name: string): string | undefined {
    for (const hash of slipHashes(name)) {
      const bucket = bucketOf(hash)
      const end = this.#starts[bucket + 1] ?? 0
      for (let at = this.#starts[bucket] ?? 0; at < end; at += 1) {
        const index = this.#entries[at] ?? 0
        const known = this.#lowered[index] ?? ''
        if (known.length >= MIN_LENGTH && isOneSlipApart(name, known)) return this.#names[index]
      }
    }
    return undefined
  }
}

function setOnce(map: Map<string, string>, key: string, name: string): void {
  if (!map.has(key)) map.set(key, name)
}

function scopeOf(name: string): string {
  return name.slice(0, name.indexOf('/'))
}

/** Entries by bucket, one after the other: `starts[b]` to `starts[b + 1]` are those of bucket b. */
function indexSlips(names: readonly string[]): { starts: Uint32Array; entries: Uint32Array } {
  const buckets = names.map((name) => slipHashes(name).map(bucketOf))
  const starts = new Uint32Array(2 ** BUCKET_BITS + 1)
  for (const of of buckets) for (const bucket of of) increment(starts, bucket + 1)
  let sum = 0
  for (const [bucket, count] of starts.entries()) {
    sum += count
    starts[bucket] = sum
  }
  const next = starts.slice()
  const entries = new Uint32Array(sum)
  for (const [index, of] of buckets.entries()) {
    for (const bucket of of) entries[increment(next, bucket)] = index
  }
  return { starts, entries }
}

/** @returns what was there before */
function increment(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0
  counts[at] = before + 1
  return before
}

const BASE = 0x01000193

/** Of a name, and of it with each of its characters left out. */
function slipHashes(name: string): Uint32Array {
  const { length } = name
  const prefixes = new Int32Array(length + 1)
  for (let at = 0; at < length; at += 1) {
    prefixes[at + 1] = Math.imul(prefixes[at] ?? 0, BASE) + name.charCodeAt(at)
  }
  // hash = Σ code(i) · BASE^(length - 1 - i): leaving one out is prefix · power + suffix
  const hashes = new Uint32Array(length + 1)
  let suffix = 0
  let power = 1
  for (let at = length - 1; at >= 0; at -= 1) {
    hashes[at] = Math.imul(prefixes[at] ?? 0, power) + suffix
    suffix = (suffix + Math.imul(name.charCodeAt(at), power)) | 0
    power = Math.imul(power, BASE)
  }
  hashes[length] = suffix
  return hashes
}

function bucketOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - BUCKET_BITS)
}
