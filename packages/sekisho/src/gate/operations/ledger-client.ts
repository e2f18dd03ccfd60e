import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { Ledger } from '../../flow/ports.ts'
import type { ControlLink } from '../approvals/control-link.ts'

const NO_LEDGER = 'invariant.ledger'

/** The ledger of one session, which is in control. */
export class LedgerClient implements Ledger {
  readonly #control: Pick<ControlLink, 'reserve' | 'release'>
  readonly #who: { session: string; agent: string; uid: number }

  constructor(
    control: Pick<ControlLink, 'reserve' | 'release'>,
    who: { session: string; agent: string; uid: number },
  ) {
    this.#control = control
    this.#who = who
  }

  async reserve(
    id: string,
    amounts: Readonly<Record<string, number | null>>,
  ): Promise<Deny | undefined> {
    try {
      const answer = await this.#control.reserve({ ...this.#who, id, amounts: { ...amounts } })
      if (answer.kind === 'reserved') return undefined
      return deny(`constraint.${answer.constraint}`, answer.reason)
    } catch (thrown) {
      // it may have been counted all the same, and only the answer was late
      this.release(id)
      return deny(NO_LEDGER, `it cannot be counted: ${toSekishoError(thrown).message}`)
    }
  }

  /** What control is not told stays counted: that is too much, and never too little. */
  release(id: string): void {
    const { session } = this.#who
    this.#control.release({ session, id }).catch(() => undefined)
  }
}
