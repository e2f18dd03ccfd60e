import { UnusableInput } from '../audit/unusable.ts'
import { type Line, linesOf } from '../lines.ts'
import { MAX_LEAF_BYTES } from '../leaf.ts'
import { headSegment, type LogSource } from '../segment.ts'
import { type LeafPlace, parseHead, parseNumbered, parsePlace } from './bundle-text.ts'

/** A file, wherever it lies. */
export type BundleBytes = {
  readonly size: number
  /** @param to exclusive */
  pieces(from: number, to: number): AsyncIterable<Buffer>
}

export type BundledLeaf = { index: number; hashes: Buffer[]; bytes: Buffer; line: number }

export type Bundle =
  | { kind: 'log'; source: LogSource }
  | {
      kind: 'session'
      session: string
      /** signed note */
      checkpoint: string
      /** oldest first; each time from the start */
      leaves: () => AsyncIterable<BundledLeaf>
    }

/** A file is told from a log's directory by this; longer first lines are nobody's. */
const MAX_HEAD_BYTES = 128
/** Segments of 64 MiB each: far more than a host writes. */
const MAX_SEGMENTS = 1_000_000

type Place = { from: number; to: number; line: number }

/**
 * Opens a bundle, and sees that it is whole; what stands in it is for the audit to verify.
 *
 * @throws UnusableInput for what is no bundle, half of one, or of another version
 */
export async function openBundle(bytes: BundleBytes): Promise<Bundle> {
  const scan = new Scan()
  for await (const lines of linesOf(bytes.pieces(0, bytes.size))) {
    for (const line of lines) scan.take(line)
  }
  const { head, sections, checkpoint } = scan.finish()
  if (head.kind === 'log') return { kind: 'log', source: sourceOf(bytes, sections) }
  const [section] = sections.values()
  if (section === undefined || checkpoint === undefined)
    throw new UnusableInput('a bundle without a checkpoint')
  const { session } = head
  return { kind: 'session', session, checkpoint, leaves: () => leavesIn(bytes, section) }
}

/** Finds where things stand, in one reading. */
class Scan {
  #head: ReturnType<typeof parseHead> | undefined
  #checkpoint: string | undefined
  #offset = 0
  #count = 0
  #isEnded = false
  readonly #sections = new Map<number, Place>()
  #current: Place | undefined

  take(line: Line): void {
    const from = this.#offset
    this.#offset += line.bytes.length + 1
    this.#count += 1
    if (line.end !== 'newline') throw new UnusableInput('half a bundle: its last line is cut off')
    if (this.#isEnded) throw new UnusableInput('a bundle with something behind its end')
    if (this.#head === undefined) return this.#takeHead(line.bytes)
    if (line.bytes[0] === 0x65) return this.#takeEnd(line.bytes.toString('latin1'), from)
    if (typeof this.#head === 'object' && this.#head.kind === 'session')
      return this.#takeProven(line.bytes)
    if (line.bytes[0] === 0x73) return this.#takeSegment(line.bytes.toString('latin1'), from)
    if (this.#current === undefined) throw this.#unexpected()
  }

  finish(): {
    head: Exclude<ReturnType<typeof parseHead>, string>
    sections: ReadonlyMap<number, Place>
    checkpoint: string | undefined
  } {
    if (this.#head === undefined || typeof this.#head === 'string')
      throw new UnusableInput('an empty file')
    if (!this.#isEnded) throw new UnusableInput('half a bundle: it has no end')
    return { head: this.#head, sections: this.#sections, checkpoint: this.#checkpoint }
  }

  #takeHead(bytes: Buffer): void {
    const text = bytes.subarray(0, MAX_HEAD_BYTES).toString('latin1')
    const head = bytes.length > MAX_HEAD_BYTES ? 'not a bundle' : parseHead(text)
    if (typeof head === 'string') throw new UnusableInput(head)
    this.#head = head
  }

  #takeEnd(text: string, from: number): void {
    const lines = parseNumbered('end', text)
    if (lines !== this.#count - 1) throw new UnusableInput('half a bundle: lines are missing')
    this.#isEnded = true
    this.#close(from)
  }

  #takeSegment(text: string, from: number): void {
    const number = parseNumbered('segment', text)
    const isNew = number !== undefined && number > 0 && !this.#sections.has(number)
    if (!isNew || this.#sections.size >= MAX_SEGMENTS) throw this.#unexpected()
    this.#close(from)
    this.#open(number)
  }

  #takeProven(bytes: Buffer): void {
    if (this.#checkpoint !== undefined) return
    this.#checkpoint = parseCheckpointLine(bytes)
    if (this.#checkpoint === undefined) throw new UnusableInput('a bundle without a checkpoint')
    this.#open(0)
  }

  #open(number: number): void {
    this.#current = { from: this.#offset, to: this.#offset, line: this.#count }
    this.#sections.set(number, this.#current)
  }

  #close(to: number): void {
    if (this.#current !== undefined) this.#current.to = to
  }

  #unexpected(): UnusableInput {
    return new UnusableInput(`line ${this.#count} of the bundle is out of place`)
  }
}

function parseCheckpointLine(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  if (!text.startsWith('checkpoint "')) return undefined
  try {
    const note: unknown = JSON.parse(text.slice('checkpoint '.length))
    return typeof note === 'string' ? note : undefined
  } catch {
    return undefined // the caller says what is missing
  }
}

function sourceOf(bytes: BundleBytes, sections: ReadonlyMap<number, Place>): LogSource {
  return {
    list: () => Promise.resolve([...sections.keys()].sort((a, b) => a - b)),
    open: (number) => {
      const { from, to } = sections.get(number) ?? { from: 0, to: 0 }
      return headSegment(number, () => linesOf(bytes.pieces(from, to)))
    },
  }
}

async function* leavesIn(
  bytes: BundleBytes,
  { from, to, line }: Place,
): AsyncGenerator<BundledLeaf> {
  let number = line
  let place: LeafPlace | undefined
  for await (const lines of linesOf(bytes.pieces(from, to))) {
    for (const { bytes: content } of lines) {
      number += 1
      const leaf = place === undefined ? undefined : { ...place, bytes: content, line: number }
      place = leaf === undefined ? readPlace(content, number) : undefined
      if (leaf !== undefined) yield leaf
    }
  }
  if (place !== undefined) throw new UnusableInput(`line ${number}: a place without a leaf`)
}

function readPlace(bytes: Buffer, line: number): LeafPlace {
  const place = bytes.length > MAX_LEAF_BYTES ? undefined : parsePlace(bytes.toString('latin1'))
  if (place === undefined) throw new UnusableInput(`line ${line}: no place of a leaf`)
  return place
}

/** A bundle that is held in memory. */
export function bytesInMemory(bytes: Buffer): BundleBytes {
  const piece = 1024 * 1024
  return {
    size: bytes.length,
    async *pieces(from, to) {
      for (let at = from; at < to; at += piece) yield bytes.subarray(at, Math.min(to, at + piece))
    },
  }
}
