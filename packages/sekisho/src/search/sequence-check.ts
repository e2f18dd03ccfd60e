import type { IndexedLeaf } from '@sekisho/verify'
import { type LogLeaf, membersOf, textOf, timeOf } from './leaf-fields.ts'

export type SequenceFinding = {
  /** `note`: worth knowing, and no fault */
  kind: 'gap' | 'duplicate' | 'order' | 'clock' | 'note'
  /** leaf that shows it; null where it is about the whole */
  index: number | null
  text: string
}

/** A number that was given out once, by a process that counts. */
type Numbered = { source: string; number: number }

/** Different clocks that sign; more than this apart is worth knowing. */
const MAX_SKEW_MS = 2000
/** Findings that are kept; the rest are counted. */
const MAX_FINDINGS = 1000
const COUNTED = 'keyholder.leaves.'

/**
 * Looks at the leaves of one session, in their order, for what the records themselves say is missing,
 * twice there, out of order or at an impossible time. From the log alone.
 */
export class SequenceCheck {
  readonly #findings: SequenceFinding[] = []
  readonly #types = new Map<string, number>()
  /** actions without what came of them, by id */
  readonly #open = new Map<string, number>()
  readonly #last = new Map<string, number>()
  readonly #missing = new Map<string, Set<number>>()
  #omitted = 0
  #state: { seq: number; to: string | undefined } | null = null
  #lastMs: number | null = null
  #repeated = 0

  add({ index, leaf }: IndexedLeaf): void {
    const type = textOf(leaf['type']) ?? ''
    this.#checkClock(index, leaf)
    this.#checkState(index, leaf)
    this.#checkPair(index, leaf)
    this.#checkNumber(index, leaf)
    this.#checkSigned(index, leaf)
    if (type === 'session.end') this.#checkCounters(index, leaf)
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
    const { repeated } = leaf
    if (typeof repeated === 'number') this.#repeated += repeated
  }

  /** Numbers of a process that counts over all sessions, for which this one has no leaf. */
  missingOf(source: string): readonly number[] {
    return [...(this.#missing.get(source) ?? [])].sort((a, b) => a - b)
  }

  /** Processes that count over all sessions. */
  get sources(): readonly string[] {
    return [...this.#missing.keys()].filter((source) => !isOwnCount(source))
  }

  /**
   * All that was found; to be asked once, after the last leaf.
   *
   * @param isWhole the leaves were all of the session: what it has counted must be there
   */
  findings(isWhole: boolean): readonly SequenceFinding[] {
    for (const [source, numbers] of this.#missing) {
      if (!isWhole || !isOwnCount(source)) continue
      for (const number of numbers) this.#find('gap', null, `${source}${number} has no leaf`)
    }
    for (const [id, index] of this.#open) {
      this.#find('gap', index, `${id} has neither an outcome nor a gap yet`)
    }
    const attempts = `${this.#repeated} attempts were counted and have no leaf of their own`
    if (this.#repeated > 0) this.#find('note', null, attempts)
    if (this.#omitted > 0) this.#findings.push(note(`${this.#omitted} more findings`))
    return this.#findings
  }

  #checkClock(index: number, leaf: LogLeaf): void {
    const atMs = timeOf(leaf)
    if (atMs === null) return this.#find('clock', index, 'a leaf without a time')
    if (this.#lastMs !== null && atMs < this.#lastMs) {
      this.#find('clock', index, `the time goes back ${this.#lastMs - atMs} ms`)
    }
    if (leaf['clock'] === 'held') {
      this.#find('clock', index, 'the clock had gone back; the time of the leaf before was held')
    }
    this.#lastMs = atMs
  }

  #checkState(index: number, leaf: LogLeaf): void {
    const { seq, from, to } = membersOf(leaf['state'])
    if (typeof seq !== 'number') return
    const last = this.#state
    this.#state = { seq, to: textOf(to) }
    const expected = last === null ? 0 : last.seq + 1
    if (seq > expected) {
      this.#find('gap', index, `state ${seq} follows state ${expected - 1}`)
    } else if (seq < expected) this.#find('duplicate', index, `state ${seq} again`)
    else if (last !== null && from !== last.to) {
      this.#find('gap', index, `state ${seq} does not go on from the state before`)
    }
  }

  #checkPair(index: number, leaf: LogLeaf): void {
    const id = textOf(leaf['id'])
    if (id === undefined) return
    if (leaf['type'] === 'action.intent') {
      if (membersOf(leaf['verdict'])['kind'] !== 'allow') return
      if (this.#open.has(id)) this.#find('duplicate', index, `${id} begins again`)
      this.#open.set(id, index)
      return
    }
    const isGap = leaf['type'] === 'gap' && id !== 'session.end'
    if (!isGap && leaf['type'] !== 'action.outcome') return
    if (!this.#open.delete(id)) this.#find('duplicate', index, `${id} ends and was not open`)
    if (isGap)
      this.#find('gap', index, `what came of ${id} is not known: ${String(leaf['reason'])}`)
  }

  #checkNumber(index: number, leaf: LogLeaf): void {
    const numbered = numberOf(leaf)
    if (numbered === undefined) return
    const { source, number } = numbered
    const last = this.#last.get(source) ?? (isOwnCount(source) ? 0 : number - 1)
    const missing = this.#missing.get(source) ?? new Set<number>()
    this.#missing.set(source, missing)
    if (number > last) {
      const from = Math.max(last + 1, number - MAX_FINDINGS)
      for (let skipped = from; skipped < number; skipped += 1) missing.add(skipped)
      this.#last.set(source, number)
    } else if (missing.delete(number)) {
      this.#find('note', index, `${idOf(numbered)} was recorded after a later one`)
    } else if (number === last || isOwnCount(source)) {
      this.#find('duplicate', index, `${idOf(numbered)} again`)
    }
  }

  #checkSigned(index: number, leaf: LogLeaf): void {
    const { signedAt } = membersOf(membersOf(leaf['signed'])['statement'])
    const atMs = timeOf(leaf)
    if (typeof signedAt !== 'string' || atMs === null) return
    const aheadMs = Date.parse(signedAt) - atMs
    if (aheadMs <= MAX_SKEW_MS) return
    this.#find(
      'clock',
      index,
      `signed ${aheadMs} ms after it was recorded: a signer’s clock is ahead`,
    )
  }

  /** The keyholder counts what it writes, apart from the log. */
  #checkCounters(index: number, leaf: LogLeaf): void {
    for (const [name, count] of Object.entries(membersOf(leaf['counters']))) {
      if (!name.startsWith(COUNTED)) continue
      const type = name.slice(COUNTED.length)
      const found = this.#types.get(type) ?? 0
      if (found === count) continue
      const text = `${String(count)} leaves ${type} were counted, ${found} are here`
      this.#find(Number(count) > found ? 'gap' : 'duplicate', index, text)
    }
  }

  #find(kind: SequenceFinding['kind'], index: number | null, text: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ kind, index, text })
    else this.#omitted += 1
  }
}

/** The id that a gate has given out under a number. */
export function idOf({ source, number }: Numbered): string {
  return isOwnCount(source) ? `${source}${number}` : `${source}-${number.toString(36)}`
}

/** `x` and `k` count within one session, from 1 on; a gate counts all that it is asked. */
function isOwnCount(source: string): boolean {
  return source === 'x' || source === 'k'
}

function numberOf({ type, id }: LogLeaf): Numbered | undefined {
  if (typeof id !== 'string' || (type !== 'action.intent' && type !== 'process.exec'))
    return undefined
  const [, own, count] = /^([xk])([1-9]\d{0,8})$/.exec(id) ?? []
  if (own !== undefined) return { source: own, number: Number(count) }
  const [, gate, number = ''] = /^([0-9a-f]{16})-([0-9a-z]{1,8})$/.exec(id) ?? []
  return gate === undefined ? undefined : { source: gate, number: Number.parseInt(number, 36) }
}

function note(text: string): SequenceFinding {
  return { kind: 'note', index: null, text }
}
