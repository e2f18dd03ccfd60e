import type { LeafInput } from '../wire/leaves.ts'

type StateLeaf = Extract<LeafInput, { type: 'session.state' }>

/** Changes of a session's state that no other leaf stands for, as the supervisor sees them. */
export class StateRecords {
  readonly #session: string
  readonly #record: (leaf: LeafInput) => Promise<unknown>
  readonly #warn: (line: string) => void

  constructor(parts: {
    session: string
    record: (leaf: LeafInput) => Promise<unknown>
    warn: (line: string) => void
  }) {
    this.#session = parts.session
    this.#record = parts.record
    this.#warn = parts.warn
  }

  /** Not waited for: what it tells of has happened, or must happen whatever the log does. */
  changed(
    trigger: StateLeaf['trigger'],
    { detail, checks = [] }: { detail: string; checks?: StateLeaf['checks'] },
  ): void {
    const session = this.#session
    const leaf = { type: 'session.state' as const, session, trigger, detail, checks }
    this.#record(leaf).catch((error: unknown) => {
      this.#warn(`${session}: its ${trigger} is not in the log: ${String(error)}`)
    })
  }
}
