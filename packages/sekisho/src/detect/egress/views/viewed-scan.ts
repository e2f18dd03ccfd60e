import type { Span } from '../detector.ts'
import type { NoteFar } from '../engine-scan.ts'
import type { Finding, Scan } from '../finding.ts'
import { makeViews } from './all.ts'
import type { View } from './view.ts'

/** Views of views of views: base64 of hexadecimal of base64. */
export const MAX_DEPTH = 3
/** What all views together may show, for each byte of the stream and to begin with. */
const SHOWN_PER_BYTE = 8
const SHOWN_AT_START = 1_048_576
/** Findings in the raw bytes that are remembered, so that a view does not tell them again. */
const MAX_REMEMBERED = 512

/** Found when what a stream hides is more than is looked at; counts as a secret. */
export const HIDDEN: Pick<Finding, 'detector' | 'class'> = {
  detector: 'scan.hidden',
  class: 'secret-format',
}

type Level = {
  scan: Scan
  children: Child[]
  /** where in the raw bytes a place of this level stands, if that can be told */
  origin: (place: Span) => Span | undefined
  name: string
  depth: number
}
/** Makes a scan of one view, or of the raw bytes; it tells of far hits where it can. */
export type MakeViewScan = (view: string, noteFar: NoteFar) => Scan

type Child = { name: string; view: View; level: Level | undefined }

/**
 * A stream with every inner encoding undone: the raw bytes and each view of them go to a scan of
 * their own.
 *
 * What is found in a view of escapes stands at a place of the raw bytes, and is told so; what was
 * found there already is not told again. What is found in another view carries its name, and its
 * offsets are those of the view: nothing can be taken out there, so the caller denies.
 */
export class ViewedScan implements Scan {
  readonly #makeScan: MakeViewScan
  readonly #noteFar: ((hit: Span | undefined) => void) | undefined
  readonly #root: Level
  #remembered: Finding[] = []
  #rawBytes = 0
  #shownBytes = 0
  #isHidden = false

  /**
   * @param contentType of the body, as its header has it
   * @param makeScan a new scan for the raw bytes (`''`) or a view (`base64`, `base64>hex` …)
   * @param noteFar told of far hits in any view, by their places in the raw bytes where those can be told
   */
  constructor(
    contentType: string | undefined,
    makeScan: MakeViewScan,
    noteFar?: (hit: Span | undefined) => void,
  ) {
    this.#makeScan = makeScan
    this.#noteFar = noteFar
    this.#root = {
      scan: makeScan('', (hit) => noteFar?.(hit)),
      children: childrenOf(contentType),
      origin: (place) => place,
      name: '',
      depth: 0,
    }
  }

  /** Whether something in it, in whatever view, can be read from its beginning only. */
  get spansAll(): boolean {
    const doesSpan = ({ children }: Level): boolean =>
      children.some(
        ({ view, level }) => view.spansAll === true || (level !== undefined && doesSpan(level)),
      )
    return doesSpan(this.#root)
  }

  push(piece: Uint8Array): readonly Finding[] {
    const found: Finding[] = []
    this.#rawBytes += piece.length
    this.#push(this.#root, piece, found)
    this.#checkHidden(found)
    return found
  }

  end(): readonly Finding[] {
    const found: Finding[] = []
    this.#end(this.#root, found)
    this.#checkHidden(found)
    return found
  }

  #push(level: Level, bytes: Uint8Array, found: Finding[]): void {
    this.#tell(level, level.scan.push(bytes), found)
    for (const child of level.children)
      this.#show(level, child, { bytes: child.view.push(bytes), found })
  }

  #end(level: Level, found: Finding[]): void {
    this.#tell(level, level.scan.end(), found)
    for (const child of level.children) {
      this.#show(level, child, { bytes: child.view.end(), found })
      if (child.level !== undefined) this.#end(child.level, found)
      if (child.view.isIncomplete) this.#hide(found)
    }
  }

  #show(parent: Level, child: Child, shown: { bytes: Uint8Array; found: Finding[] }): void {
    if (shown.bytes.length === 0) return
    this.#shownBytes += shown.bytes.length
    if (this.#shownBytes > SHOWN_AT_START + SHOWN_PER_BYTE * this.#rawBytes) {
      this.#hide(shown.found)
      return
    }
    child.level ??= this.#levelOf(parent, child)
    this.#push(child.level, shown.bytes, shown.found)
  }

  #levelOf(parent: Level, { name, view }: Child): Level {
    const path = parent.name === '' ? name : `${parent.name}>${name}`
    const depth = parent.depth + 1
    const origin = (place: Span): Span | undefined => {
      const inParent = view.origin(place)
      return inParent === undefined ? undefined : parent.origin(inParent)
    }
    return {
      scan: this.#makeScan(path, (hit) => this.#noteFar?.(origin(hit))),
      children: depth === MAX_DEPTH ? [] : childrenOf(undefined),
      origin,
      name: path,
      depth,
    }
  }

  #tell(level: Level, findings: readonly Finding[], found: Finding[]): void {
    for (const finding of findings) {
      const place = level.origin(finding)
      if (place === undefined) {
        found.push({ ...finding, view: level.name })
      } else if (!this.#isKnown(finding, place)) {
        const told = { ...finding, ...place }
        this.#remember(told)
        found.push(told)
      }
    }
  }

  #isKnown({ detector }: Finding, { start, end }: Span): boolean {
    return this.#remembered.some(
      (known) => known.detector === detector && known.start <= start && known.end >= end,
    )
  }

  #remember(finding: Finding): void {
    this.#remembered.push(finding)
    if (this.#remembered.length > MAX_REMEMBERED) {
      this.#remembered = this.#remembered.slice(MAX_REMEMBERED / 2)
    }
  }

  #checkHidden(found: Finding[]): void {
    const isIncomplete = (level: Level): boolean =>
      level.children.some(
        ({ view, level: below }) =>
          view.isIncomplete || (below !== undefined && isIncomplete(below)),
      )
    if (!this.#isHidden && isIncomplete(this.#root)) this.#hide(found)
  }

  #hide(found: Finding[]): void {
    if (this.#isHidden) return
    this.#isHidden = true
    found.push({ ...HIDDEN, start: 0, end: this.#rawBytes })
  }
}

function childrenOf(contentType: string | undefined): Child[] {
  return makeViews(contentType).map(({ name, view }) => ({ name, view, level: undefined }))
}
