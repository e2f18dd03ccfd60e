import { fromBase64 } from './base64.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { type OpenEntry, OpenEntries } from './open-entries.ts'
import { type LeafFacts, type LeafVersion, readLeaf } from './leaf.ts'
import { Frontier } from './merkle.ts'
import { SUBTREE_SIGNATURE_BYTES } from './cosignature.ts'
import { noteText, parseNote } from './note.ts'
import { formatHeader, MAX_BATCH_LEAVES, type SegmentHeader } from './segment.ts'

export type StagedLeaf = LeafFacts & { line: number }

/** What is wrong, and the leaf it is wrong at. */
export type StateFault = { index: number; line: number; reason: string }

/**
 * The log as far as it has been read: sealed leaves, and those that wait for their checkpoint.
 * What a checkpoint does not seal leaves no trace here once it is dropped.
 */
export class LogState {
  #frontier: Frontier
  #note: string | null
  #at: string | null
  #version: LeafVersion
  readonly #open: OpenEntries
  #staged: StagedLeaf[] = []
  /** the tree with what is staged; made when it is asked for */
  #next: Frontier | undefined

  private constructor(
    frontier: Frontier,
    header: Pick<SegmentHeader, 'checkpoint' | 'at' | 'open' | 'version'>,
  ) {
    this.#frontier = frontier
    this.#note = header.checkpoint
    this.#at = header.at
    this.#version = header.version
    this.#open = new OpenEntries(header.open)
  }

  static empty(): LogState {
    return new LogState(Frontier.empty(), { checkpoint: null, at: null, open: [], version: 1 })
  }

  /** undefined when the header contradicts itself; its checkpoint's signature is not checked */
  static fromHeader(header: SegmentHeader): LogState | undefined {
    const hashes = header.frontier.map((text) => fromBase64(text) ?? Buffer.alloc(0))
    const frontier = Frontier.from(header.size, hashes)
    if (frontier === undefined) return undefined
    if (header.checkpoint === null)
      return header.size === 0 ? new LogState(frontier, header) : undefined
    const claimed = parseCheckpoint(noteText(header.checkpoint))
    if (claimed?.size !== header.size || !claimed.root.equals(frontier.root())) return undefined
    return new LogState(frontier, header)
  }

  /** sealed leaves */
  get size(): number {
    return this.#frontier.size
  }

  get root(): Buffer {
    return this.#frontier.root()
  }

  /** the last checkpoint, as signed; null before the first */
  get note(): string | null {
    return this.#note
  }

  /** time of the last sealed leaf */
  get at(): string | null {
    return this.#at
  }

  get frontier(): Frontier {
    return this.#frontier.copy()
  }

  get open(): OpenEntry[] {
    return this.#open.list()
  }

  /** as it is sealed; what is staged does not come along */
  copy(): LogState {
    return new LogState(this.frontier, {
      checkpoint: this.#note,
      at: this.#at,
      open: this.open,
      version: this.#version,
    })
  }

  get staged(): readonly StagedLeaf[] {
    return this.#staged
  }

  /** the header, without the line's end, that a segment starting here must have */
  headerText(segment: number): string {
    return formatHeader({
      segment,
      size: this.size,
      frontier: this.#frontier.hashes.map((hash) => hash.toString('base64')),
      checkpoint: this.#note,
      at: this.#at,
      open: this.open,
      version: this.#version,
    })
  }

  /** Takes a leaf that waits for its checkpoint. */
  stage(
    bytes: Buffer,
    { line, canonical }: { line: number; canonical: boolean },
  ): StateFault | undefined {
    const index = this.size + this.#staged.length
    if (this.#staged.length >= MAX_BATCH_LEAVES) {
      return { index, line, reason: `more than ${MAX_BATCH_LEAVES} leaves without a checkpoint` }
    }
    const facts = readLeaf(bytes, canonical)
    if (typeof facts === 'string') return { index, line, reason: facts }
    const reason = this.#whyNotAfter(facts)
    if (reason !== undefined) return { index, line, reason }
    this.stageFacts(facts, line)
    return undefined
  }

  #whyNotAfter({ at, version }: LeafFacts): string | undefined {
    const last = this.#staged.at(-1)
    const before = last?.at ?? this.#at
    if (before !== null && at < before) return 'time goes back'
    // else whoever wrote it could do without the signatures of version 2
    return version < (last?.version ?? this.#version)
      ? `a leaf of version ${version} after one of version 2`
      : undefined
  }

  /** Takes a leaf that its writer made just now, so that it needs no reading. */
  stageFacts(facts: LeafFacts, line: number): void {
    this.#staged.push({ ...facts, line })
    this.#next = undefined
  }

  /** the head that a checkpoint for everything staged must have */
  nextHead(): { size: number; root: Buffer } {
    const next = this.#grown()
    return { size: next.size, root: next.root() }
  }

  #grown(): Frontier {
    if (this.#next !== undefined) return this.#next
    const next = this.#frontier.copy()
    for (const leaf of this.#staged) next.append(leaf.hash)
    this.#next = next
    return next
  }

  /**
   * Seals what is staged by a checkpoint whose signature the caller has checked, or vouches for.
   * It may seal nothing when it adds an ML-DSA-44 signature to the head that is there.
   * A fault of the root is put at the first leaf that no earlier checkpoint vouches for.
   */
  seal(note: string, line: number): readonly StagedLeaf[] | StateFault {
    const first = this.size
    const next = this.#grown()
    const claimed = parseCheckpoint(noteText(note))
    if (claimed === undefined) return { index: first, line, reason: 'not a checkpoint' }
    if (claimed.size !== next.size) {
      const reason = `a checkpoint for ${claimed.size} leaves where ${next.size} are there`
      return { index: first, line, reason }
    }
    if (!claimed.root.equals(next.root())) {
      const reason = `the root does not fit: one of the leaves ${first} to ${next.size - 1} is not what was signed`
      return { index: first, line, reason }
    }
    if (this.#staged.length === 0 && !isPostQuantum(note)) {
      return { index: first, line, reason: 'a checkpoint that seals nothing' }
    }
    return this.#commit(note, next)
  }

  #commit(note: string, next: Frontier): readonly StagedLeaf[] | StateFault {
    const sealed = this.#staged
    for (const [offset, leaf] of sealed.entries()) {
      const reason = leaf.effect === undefined ? undefined : this.#open.apply(leaf.effect)
      if (reason !== undefined) return { index: this.size + offset, line: leaf.line, reason }
    }
    this.#frontier = next
    this.#next = undefined
    this.#note = note
    this.#at = sealed.at(-1)?.at ?? this.#at
    this.#version = sealed.at(-1)?.version ?? this.#version
    this.#staged = []
    return sealed
  }

  /** Forgets what no checkpoint seals. */
  drop(): void {
    this.#staged = []
    this.#next = undefined
  }
}

/** By its form: whether the signature fits is for those to say who know the key. */
function isPostQuantum(note: string): boolean {
  const parsed = parseNote(note)
  if (typeof parsed === 'string') return false
  const origin = parsed.text.slice(0, parsed.text.indexOf('\n'))
  return parsed.signatures.some(
    ({ name, signature }) => name === origin && signature.length === SUBTREE_SIGNATURE_BYTES,
  )
}
