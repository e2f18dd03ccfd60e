import type { HttpRequestAction } from '../../core/action.ts'
import { type Denial, readDenial } from './denial.ts'
import { wishOf } from './refusals.ts'
import { Tallies, type Tally } from './tally.ts'

/** The agent chooses names, paths and methods: however many, memory and output stay small. */
const MAX = { requests: 5000, names: 2000, ports: 500, refused: 200 }

export type Seen<T> = readonly { value: T; tally: Tally }[]

/** All that was denied in one session, each different thing once. */
export type Attempts = {
  requests: Seen<HttpRequestAction>
  names: Seen<string>
  ports: Seen<{ host: string; port: number }>
  /** what no rule can be proposed for */
  refused: Seen<Refused>
  /** denials that were too many to be told apart */
  leftOut: number
  /** counted by the platform and in no leaf of their own */
  unrecorded: number
}

/** `what` is the first of those that share the reason and the place */
export type Refused = { because: string; what: string }

/** Reads leaf after leaf of one session; memory is bounded whatever they hold. */
export class AttemptLedger {
  readonly #requests = new Tallies<HttpRequestAction>(MAX.requests)
  readonly #names = new Tallies<string>(MAX.names)
  readonly #ports = new Tallies<{ host: string; port: number }>(MAX.ports)
  readonly #refused = new Tallies<Refused>(MAX.refused)
  #unrecorded = 0

  add(leaf: Readonly<Record<string, unknown>>): void {
    const denial = readDenial(leaf)
    if (denial === undefined) return
    this.#unrecorded += denial.repeated
    this.#count(denial)
  }

  #count(denial: Denial): void {
    const wish = wishOf(denial)
    const { at } = denial
    if ('because' in wish) {
      this.#refused.add(`${wish.because} ${wish.what}`, at, wish)
    } else if (wish.kind === 'name') {
      this.#names.add(wish.host, at, wish.host)
    } else if (wish.kind === 'port') {
      const { host, port } = wish
      this.#ports.add(`${host}:${port}`, at, { host, port })
    } else {
      const { scheme, host, port, method, path } = wish.action
      // The query is nothing that rules decide by, and the most likely place for secrets.
      const action = { ...wish.action, query: null }
      this.#requests.add(`${scheme} ${host} ${port} ${method} ${path}`, at, action)
    }
  }

  attempts(): Attempts {
    const all = [this.#requests, this.#names, this.#ports, this.#refused]
    return {
      requests: this.#requests.all(),
      names: this.#names.all(),
      ports: this.#ports.all(),
      refused: this.#refused.all(),
      leftOut: all.reduce((total, { leftOut }) => total + leftOut, 0),
      unrecorded: this.#unrecorded,
    }
  }
}
