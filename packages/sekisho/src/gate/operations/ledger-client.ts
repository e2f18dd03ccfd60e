import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { Ledger } from '../../flow/ports.ts'
import type { gateToControl } from '../../wire/gate-control.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'

/** An action waits no longer to be counted. It takes a flush, and a solver at most half a second. */
const RESERVE_TIMEOUT_MS = 5000

const NO_LEDGER = 'invariant.ledger'

type Control = Pick<Peer<typeof gateToControl, Protocol>, 'call'>

/** The ledger of one session, which is in control. */
export class LedgerClient implements Ledger {
  readonly #control: () => Control
  readonly #who: { session: string; agent: string; uid: number }
  readonly #report: (line: string) => void

  /** @param control throws while there is none */
  constructor(
    control: () => Control,
    who: { session: string; agent: string; uid: number },
    report: (line: string) => void,
  ) {
    this.#control = control
    this.#who = who
    this.#report = report
  }

  async reserve(
    id: string,
    amounts: Readonly<Record<string, number | null>>,
  ): Promise<Deny | undefined> {
    if (Object.keys(amounts).length === 0) return undefined
    try {
      const answer = await this.#control().call(
        'ledger.reserve',
        { ...this.#who, id, amounts: { ...amounts } },
        { timeoutMs: RESERVE_TIMEOUT_MS },
      )
      if (answer.kind === 'reserved') return undefined
      return deny(`constraint.${answer.constraint}`, answer.reason)
    } catch (thrown) {
      // it may have been counted all the same; if the answer was only late, that is taken back
      this.release(id)
      return deny(NO_LEDGER, `it cannot be counted: ${toSekishoError(thrown).message}`)
    }
  }

  release(id: string): void {
    const { session } = this.#who
    try {
      this.#control()
        .call('ledger.release', { session, id })
        .catch((error: unknown) => this.#reportKept(id, error))
    } catch (error) {
      this.#reportKept(id, error)
    }
  }

  #reportKept(id: string, error: unknown): void {
    this.#report(`what ${id} had reserved stays counted: ${toSekishoError(error).message}`)
  }
}
