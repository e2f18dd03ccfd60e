import { holdOf, membersOf, textOf, timeOf } from '../search/leaf-fields.ts'
import { TotalsCount } from '../search/totals.ts'
import { describeAction, describeBody, describeOutcome } from './leaf-text.ts'

type Leaf = Readonly<Record<string, unknown>>

export type ReplayProcess = { pid: string; parent: string; text: string; isRefused: boolean }
export type ReplayRequest = { what: string; verdict: string; came: string | null }
export type ReplayHold = { what: string; needs: string; sinceMs: number | null }

/** Of each kind, as many as a screen could show; what is older is only counted. */
const MAX_PROCESSES = 256
const MAX_REQUESTS = 64
const MAX_HOLDS = 64
const MAX_NOTES = 16

/** A session as it was at one moment, from its leaves up to then. Its size does not grow with them. */
export class ReplayState {
  readonly processes = new Map<string, ReplayProcess>()
  /** by the action's id */
  readonly requests = new Map<string, ReplayRequest>()
  readonly holds = new Map<string, ReplayHold>()
  /** alerts, limits, gaps, changes of state: newest last */
  readonly notes: string[] = []
  readonly #count = new TotalsCount()
  #title = ''
  #phase = 'not begun'
  #startedMs: number | null = null
  #nowMs: number | null = null

  get totals(): TotalsCount['totals'] {
    return this.#count.totals
  }

  get title(): string {
    return this.#title
  }

  get phase(): string {
    return this.#phase
  }

  get startedMs(): number | null {
    return this.#startedMs
  }

  /** Of the last leaf that has a time, Unix ms. */
  get nowMs(): number | null {
    return this.#nowMs
  }

  apply(leaf: Leaf): void {
    this.#count.add(leaf)
    this.#nowMs = timeOf(leaf) ?? this.#nowMs
    switch (leaf['type']) {
      case 'session.start':
        return this.#start(leaf)
      case 'process.exec':
        return this.#exec(leaf)
      case 'action.intent':
        return this.#intent(leaf)
      case 'action.outcome':
        return this.#outcome(leaf, describeOutcome(membersOf(leaf['outcome'])))
      case 'action.held':
        return this.#held(leaf)
      case 'approval.answer':
      case 'approval.ended':
        return this.#answered(leaf)
      default:
        return this.#happened(leaf)
    }
  }

  #start(leaf: Leaf): void {
    this.#startedMs = this.#nowMs
    this.#phase = 'running'
    this.#title = `${text(leaf['session'])}, agent ${text(leaf['agent'])}`
  }

  #exec(leaf: Leaf): void {
    const argv = Array.isArray(leaf['argv']) ? leaf['argv'].map(text).join(' ') : ''
    const pid = text(leaf['pid'])
    const process = {
      pid,
      parent: text(leaf['parent']),
      text: argv === '' ? text(leaf['path']) : `${text(leaf['path'])}: ${argv}`,
      isRefused: membersOf(leaf['verdict'])['kind'] === 'deny',
    }
    keep(this.processes, { key: pid, value: process, atMost: MAX_PROCESSES })
  }

  #intent(leaf: Leaf): void {
    const { kind, reason } = membersOf(leaf['verdict'])
    const hold = textOf(membersOf(leaf['hold'])['id'])
    if (hold !== undefined) this.holds.delete(hold)
    const request = {
      what: describeAction(membersOf(leaf['action'])),
      verdict: text(kind),
      came: kind === 'allow' ? null : text(reason),
    }
    keep(this.requests, { key: text(leaf['id']), value: request, atMost: MAX_REQUESTS })
  }

  #outcome(leaf: Leaf, came: string): void {
    const request = this.requests.get(text(leaf['id']))
    if (request !== undefined) request.came = came
  }

  #held(leaf: Leaf): void {
    const needs = Array.isArray(leaf['needs']) ? leaf['needs'].map(text).join(' and ') : '-'
    const what = describeAction(membersOf(leaf['action']))
    const value = { what, needs, sinceMs: timeOf(leaf) }
    keep(this.holds, { key: text(leaf['id']), value, atMost: MAX_HOLDS })
  }

  #answered(leaf: Leaf): void {
    if (leaf['result'] !== 'waiting' && leaf['result'] !== 'refused') {
      this.holds.delete(holdOf(leaf) ?? '')
    }
    this.#note(leaf)
  }

  #happened(leaf: Leaf): void {
    if (leaf['type'] === 'session.end') this.#phase = `ended: ${text(leaf['reason'])}`
    if (leaf['type'] === 'session.contained') this.#phase = 'contained'
    if (leaf['type'] === 'session.state') this.#phase = text(leaf['trigger'])
    if (leaf['type'] === 'gap') {
      if (leaf['id'] === 'session.end') this.#phase = 'lost'
      this.#outcome(leaf, `GAP: ${text(leaf['reason'])}`)
    }
    this.#note(leaf)
  }

  #note(leaf: Leaf): void {
    this.notes.push(describeBody(leaf).trim())
    if (this.notes.length > MAX_NOTES) this.notes.shift()
  }
}

function keep<T>(
  map: Map<string, T>,
  { key, value, atMost }: { key: string; value: T; atMost: number },
): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > atMost && oldest !== undefined) map.delete(oldest)
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
