import type { HttpRequestAction } from '../../core/action.ts'
import type { Finding, Scan } from '../../detect/egress/finding.ts'
import type { Inspection } from '../../wire/egress.ts'
import type { RuleOptions } from '../../wire/policy.ts'
import { FindingSet } from './finding-set.ts'

/** Values that hold nothing, remembered: most fields of most requests are those of the last. */
const MAX_CLEAN_VALUES = 4_096
const MAX_CLEAN_LENGTH = 1_024
/** No detector finds anything in less. */
const MIN_LENGTH = 6

/** What is looked for in one session's data. */
export type Detection = {
  /** a stream of its own, with every inner encoding undone; findings carry their view */
  scanBody(contentType: string | undefined): Scan
  /** of a body of JSON that was looked at not long ago; undefined where nobody remembers it */
  foundIn(body: Buffer): readonly Finding[] | undefined
  /** a text that is whole; in a query `+` is a space */
  scanText(text: string, kind: 'text' | 'query'): readonly Finding[]
}

/** Looks at what leaves one session: heads as texts, bodies as streams. */
export class Inspector {
  readonly #inspection: Inspection
  readonly #detection: Detection
  readonly #clean = new Set<string>()

  constructor(inspection: Inspection, detection: Detection) {
    this.#inspection = inspection
    this.#detection = detection
  }

  /** bytes of a body, as it comes, that are looked at before it leaves */
  maxBodyBytes(options: RuleOptions): number {
    return options.maxBodyBytes ?? this.#inspection.maxBodyBytes
  }

  findings(options: RuleOptions): FindingSet {
    return new FindingSet({ rule: options.treatments, session: this.#inspection.treatments })
  }

  /**
   * Looks at a request's URL and fields.
   *
   * @param raw name, value, name, value …
   * @returns the action as it may be recorded: with stars over what was found in its URL
   */
  inspectHead(
    action: HttpRequestAction,
    raw: readonly string[],
    into: FindingSet,
  ): HttpRequestAction {
    for (let index = 0; index < raw.length; index += 2) {
      const [name = '', value = ''] = [raw[index], raw[index + 1]]
      const found = [...this.#look(name, 'text'), ...this.#look(value, 'text')]
      for (const finding of found) into.add(finding, `header ${name.toLowerCase()}`, false)
    }
    const path = this.#inspectUrlPart(action.path, 'text', into)
    const query = action.query === null ? null : this.#inspectUrlPart(action.query, 'query', into)
    return path === action.path && query === action.query ? action : { ...action, path, query }
  }

  /** A body or message as it goes by. */
  scanBody(contentType: string | undefined): Scan {
    return this.#detection.scanBody(contentType)
  }

  /** What was found in a body of JSON not long ago; undefined where nobody remembers it. */
  foundIn(body: Buffer): readonly Finding[] | undefined {
    return this.#detection.foundIn(body)
  }

  #inspectUrlPart(text: string, kind: 'text' | 'query', into: FindingSet): string {
    const found = this.#look(text, kind)
    for (const finding of found) into.add(finding, 'url', false)
    return cover(text, found)
  }

  #look(text: string, kind: 'text' | 'query'): readonly Finding[] {
    // what is clean as a text may not be as a query
    if (text.length < MIN_LENGTH || (kind === 'text' && this.#clean.has(text))) return []
    const found = this.#detection.scanText(text, kind)
    const isClean = found.length === 0 && kind === 'text'
    if (isClean && text.length <= MAX_CLEAN_LENGTH) this.#remember(text)
    return found
  }

  #remember(text: string): void {
    if (this.#clean.size >= MAX_CLEAN_VALUES) this.#clean.clear()
    this.#clean.add(text)
  }
}

/** A finding without a place in the text itself, one in a decoded view, covers all of it. */
function cover(text: string, found: readonly Finding[]): string {
  let covered = text
  for (const { start, end, view } of found) {
    const [from, to] = view === undefined ? [start, Math.min(end, text.length)] : [0, text.length]
    covered = covered.slice(0, from) + '*'.repeat(to - from) + covered.slice(to)
  }
  return covered
}
