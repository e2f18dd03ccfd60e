import { Frontier, type NoteVerifier, openNoteOf, parseCheckpoint } from '@sekisho/verify'
import { edgeRanges, proofRanges, type Range } from './proof-ranges.ts'
import {
  batchesAfter,
  broken,
  newestNote,
  type Place,
  placeAfter,
  placeBefore,
} from './read-segments.ts'
import type { LogView, Tree } from './submit.ts'

/** So many places are remembered to read on from: one for each witness, and some. */
const MAX_PLACES = 16

/**
 * The log in its files, as a witness is to see it. Only what is new since a witness was last asked
 * is read; a place that is not remembered is reached from the beginning of its segment.
 *
 * It believes no hash in the files: what they give must be the root that the log has signed.
 */
export class LogProofs {
  readonly #dir: string
  readonly #keys: readonly NoteVerifier[]
  readonly #places: Place[] = []

  constructor(dir: string, keys: readonly NoteVerifier[]) {
    this.#dir = dir
    this.#keys = keys
  }

  /**
   * The log as it stands now; undefined while it is empty.
   *
   * @param durable leaves that the writer has acknowledged: no later one is looked at
   * @throws SekishoError LOG_BROKEN for a checkpoint that the log did not sign
   */
  async view(durable: number): Promise<LogView | undefined> {
    const note = await newestNote(this.#dir, durable)
    if (note === undefined) return undefined
    const opened = openNoteOf(note, this.#keys)
    if (opened.kind === 'refused') throw broken(`the last checkpoint: ${opened.reason}`)
    const head = parseCheckpoint(opened.text)
    if (head === undefined) throw broken('the last checkpoint is none')
    const tree = { size: head.size, root: head.root, note }
    const proofs = new Map<number, ReturnType<LogView['prove']>>()
    return {
      tree,
      keys: this.#keys,
      prove: (oldSize) => {
        const proof = proofs.get(oldSize) ?? this.#prove(oldSize, tree)
        proofs.set(oldSize, proof)
        return proof
      },
    }
  }

  async #prove(oldSize: number, tree: Tree): Promise<{ oldRoot: Buffer; proof: Buffer[] }> {
    const { old, roots } = await this.#read(oldSize, tree)
    const edge = edgeRanges(oldSize)
    const proof = proofRanges(oldSize, tree.size).map((range) => {
      const inOld = edge.findIndex((one) => isSame(one, range))
      const hash = inOld >= 0 ? old.hashes[inOld] : roots.get(range.start)?.root()
      if (hash === undefined) throw broken(`no hash of leaves ${range.start} to ${range.end}`)
      return hash
    })
    return { oldRoot: old.root(), proof }
  }

  /** The edge of the old tree, and the subtrees of what was added to it, each by its first leaf. */
  async #read(
    oldSize: number,
    tree: Tree,
  ): Promise<{ old: Frontier; roots: ReadonlyMap<number, Frontier> }> {
    const added = proofRanges(oldSize, tree.size).filter(({ start }) => start >= oldSize)
    const roots = new Map(added.map(({ start }) => [start, Frontier.empty()]))
    const place = await this.#placeFor(oldSize)
    const edge = place.tree.copy()
    let old = edge.copy()
    let root: Frontier | undefined
    const take = (hash: Buffer): void => {
      root = roots.get(edge.size) ?? root
      root?.append(hash)
      edge.append(hash)
      if (edge.size === oldSize) old = edge.copy()
    }
    const end = await this.#feed(place, { edge, take, until: tree.size })
    if (edge.size !== tree.size || !edge.root().equals(tree.root)) {
      throw broken(`the files do not give the tree of ${tree.size} leaves that the log signed`)
    }
    this.#remember({ ...end, tree: edge })
    return { old, roots }
  }

  async #feed(
    from: Place,
    { edge, take, until }: { edge: Frontier; take: (hash: Buffer) => void; until: number },
  ): Promise<Pick<Place, 'segment' | 'offset'>> {
    let at: Pick<Place, 'segment' | 'offset'> = from
    let index = from.tree.size
    const feed = (hashes: readonly Buffer[]): void => {
      for (const hash of hashes) {
        // a batch whose flush was interrupted stands again in the next segment
        if (index === edge.size && edge.size < until) take(hash)
        index += 1
      }
    }
    while (edge.size < until) {
      for await (const { hashes, segment, end } of batchesAfter(this.#dir, at)) {
        feed(hashes)
        at = { segment, offset: end }
        if (edge.size === until) return at
      }
      const next = await placeAfter(this.#dir, { segment: at.segment, size: edge.size })
      if (next === undefined) return at
      at = next
      index = next.tree.size
    }
    return at
  }

  async #placeFor(size: number): Promise<Place> {
    const known = this.#places.filter(({ tree }) => tree.size <= size)
    const nearest = known.toSorted((a, b) => b.tree.size - a.tree.size)[0]
    const place = nearest ?? (await placeBefore(this.#dir, size))
    if (place === undefined) throw broken(`the log does not begin before leaf ${size}`)
    return place
  }

  #remember(place: Place): void {
    this.#places.push(place)
    if (this.#places.length > MAX_PLACES) this.#places.shift()
  }
}

function isSame(a: Range, b: Range): boolean {
  return a.start === b.start && a.end === b.end
}
