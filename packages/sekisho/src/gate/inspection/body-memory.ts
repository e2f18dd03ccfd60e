import type { Span } from '../../detect/egress/detector.ts'
import { MAX_LISTED } from '../../detect/egress/finding-merger.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import {
  type Common,
  isFarNearSeam,
  nearest,
  newPart,
  type Part,
  placesAround,
  type SeenBody,
  shifted,
} from './new-part.ts'
import { joinPieces } from './whole-bytes.ts'

/** Bodies kept of one session: agents of one session that talk to their models at the same time. */
const MAX_BODIES = 16
/** Of one body; a longer one is looked at as it comes, all of it. */
const MAX_BODY_BYTES = 524_288
/** Of all bodies of one session. */
const MAX_KEPT_BYTES = 4_194_304
/** That a body may be longer than those before it; then it is looked at as it comes. */
const MAX_NEW_BYTES = 65_536
/** With less in common, all of it is looked at. */
const MIN_COMMON_BYTES = 16_384
/** Places of one body that are remembered, where a detector looked that sees far. */
const MAX_FAR_HITS = 256
/** By which a body is like another before all of it is there. */
const HEAD_BYTES = 16
/** What no text has: with these something may be compressed, and its beginning matters. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const BINARY = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/

/**
 * Makes a scan of a whole body, which finds the same in the same bytes each time.
 *
 * @param noteFar is told where a detector is to look that sees far; undefined where that is not known
 */
export type MakeScan = (noteFar: (hit: Span | undefined) => void) => PartScan

/** `spansAll` once something was seen that can be read from its beginning only, and to its end. */
type PartScan = Scan & { readonly spansAll?: boolean }

/**
 * What bodies of one session said, and what was found in them. A call of a model says again all
 * that was said before, some ten thousand bytes, and a message more: only that is looked at, and
 * what stands before and behind it is told as it was found. The same is found as if all were looked
 * at; only places in views are counted from another beginning.
 */
export class BodyMemory {
  /** the latest first */
  #bodies: readonly SeenBody[] = []
  readonly #longestBytes: number

  /** @param longestBytes of whatever is searched for as it is, however it is spelled */
  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes
  }

  /** A body as it comes. */
  scan(make: MakeScan): Scan {
    return new RememberingScan(make, this.#bodies, {
      longestBytes: this.#longestBytes,
      keep: (body) => this.#keep(body),
    })
  }

  /** What was found in a body of just these bytes; undefined where nobody remembers. */
  foundIn(bytes: Buffer): readonly Finding[] | undefined {
    return this.#bodies.find((body) => body.bytes.equals(bytes))?.findings
  }

  #keep(body: SeenBody): void {
    let bytes = 0
    this.#bodies = [body, ...this.#bodies].slice(0, MAX_BODIES).filter((one) => {
      bytes += one.bytes.length
      return bytes <= MAX_KEPT_BYTES
    })
  }
}

const ANYWHERE: Part = [0, Infinity]

type Memory = { longestBytes: number; keep: (body: SeenBody) => void }

class RememberingScan implements Scan {
  readonly #make: MakeScan
  readonly #memory: Memory
  /** what this one may turn out to say again */
  #alike: readonly SeenBody[]
  #pieces: Buffer[] = []
  #findings: readonly Finding[] = []
  /** where a detector looked that sees far */
  #far: Span[] = []
  #bytes = 0
  /** once it is known that this is another one */
  #inner: PartScan | undefined
  /** something compressed stands in it, in whatever escapes: no part of it is like the whole */
  #spansAll = false

  constructor(make: MakeScan, bodies: readonly SeenBody[], memory: Memory) {
    this.#make = make
    this.#alike = bodies
    this.#memory = memory
  }

  push(piece: Uint8Array): readonly Finding[] {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    this.#pieces.push(bytes)
    if (this.#bytes < HEAD_BYTES) this.#compareHead(bytes, this.#bytes)
    this.#bytes += bytes.length
    if (this.#inner !== undefined) {
      if (this.#bytes > MAX_BODY_BYTES) this.#pieces = []
      return this.#tell(this.#inner.push(bytes))
    }
    const longest = Math.max(0, ...this.#alike.map((body) => body.bytes.length))
    if (longest > 0 && this.#bytes <= longest + MAX_NEW_BYTES) return []
    this.#inner = this.#make((hit) => this.#noteFar(hit, ANYWHERE))
    return this.#tell(this.#pieces.flatMap((one) => this.#inner?.push(one) ?? []))
  }

  end(): readonly Finding[] {
    if (this.#inner !== undefined) {
      const last = this.#tell(this.#inner.end())
      this.#spansAll = this.#inner.spansAll === true
      if (this.#bytes <= MAX_BODY_BYTES) this.#remember(joinPieces(this.#pieces), [0, this.#bytes])
      return last
    }
    const whole = joinPieces(this.#pieces)
    const common = nearest(this.#alike, whole)
    if (common?.prefix === whole.length && common.body.bytes.length === whole.length) {
      return common.body.findings
    }
    return this.#lookAtNew(whole, common)
  }

  #compareHead(piece: Buffer, at: number): void {
    this.#alike = this.#alike.filter(({ bytes }) => {
      const length = Math.min(piece.length, HEAD_BYTES - at)
      return bytes.compare(piece, 0, length, at, at + length) === 0
    })
  }

  #lookAtNew(whole: Buffer, common: Common | undefined): readonly Finding[] {
    if (common === undefined || common.prefix + common.suffix < MIN_COMMON_BYTES) {
      return this.#lookAtAll(whole)
    }
    const { part, looked } = this.#lookAtSeams(whole, common)
    // a header of gzip that is put before what was said already makes something else of that
    if (this.#spansAll) return this.#lookAtAll(whole)
    const known = placesAround(common.body.findings, common, { part, length: whole.length })
    this.#tell([...known.before, ...looked, ...known.behind])
    const far = placesAround(common.body.far, common, { part, length: whole.length })
    this.#far = [...far.before, ...this.#far, ...far.behind]
    this.#remember(whole, part)
    return this.#findings
  }

  #lookAtAll(whole: Buffer): readonly Finding[] {
    const all: Part = [0, whole.length]
    this.#tell(this.#look(whole, all))
    this.#remember(whole, all)
    return this.#findings
  }

  #lookAtSeams(whole: Buffer, common: Common): { part: Part; looked: readonly Finding[] } {
    const { longestBytes } = this.#memory
    const isNear = !isFarNearSeam(whole, common, longestBytes)
    const part = newPart(whole, common, { isNear, longestBytes })
    const looked = this.#look(whole, part)
    if (!isNear || this.#far.length === 0) return { part, looked }
    // what sees far may see beyond what it was shown
    const wide = newPart(whole, common, { isNear: false, longestBytes })
    return { part: wide, looked: this.#look(whole, wide) }
  }

  #look(whole: Buffer, part: Part): readonly Finding[] {
    this.#far = []
    const scan = this.#make((hit) => this.#noteFar(hit, part))
    const found = [...scan.push(whole.subarray(...part)), ...scan.end()]
    this.#spansAll = scan.spansAll === true
    return found.map((finding) => inBody(finding, part[0]))
  }

  /** A hit of which nobody knows where it stands may stand anywhere in the part. */
  #noteFar(hit: Span | undefined, [from, until]: Part): void {
    if (this.#far.length > MAX_FAR_HITS) return
    const isKnown = hit !== undefined && this.#far.length < MAX_FAR_HITS
    const place = isKnown ? { start: hit.start + from, end: hit.end + from } : undefined
    this.#far.push(place ?? { start: from, end: until })
  }

  #tell(findings: readonly Finding[]): readonly Finding[] {
    if (findings.length > 0) this.#findings = [...this.#findings, ...findings]
    return findings
  }

  /** @param part that was not known before */
  #remember(bytes: Buffer, part: Part): void {
    // what stands in a view has no place here, and a scan that gave up has not seen the rest
    const isPlain = this.#findings.every(
      ({ detector, view }) => view === undefined && !detector.startsWith('scan.'),
    )
    // what goes on with a gzip that began before is not read by itself: its header may be long gone
    // behind so many findings stand others that nobody was told of
    if (this.#findings.length >= MAX_LISTED) return
    if (!isPlain || this.#spansAll || bytes.length < MIN_COMMON_BYTES) return
    if (BINARY.test(bytes.toString('latin1', ...part))) return
    const far = this.#far.length > MAX_FAR_HITS ? [{ start: 0, end: bytes.length }] : this.#far
    this.#memory.keep({ bytes, findings: this.#findings, far })
  }
}

/** A place in a view stays as it is: it is counted from where the view began. */
function inBody(finding: Finding, from: number): Finding {
  return finding.view === undefined ? shifted(finding, from) : finding
}
