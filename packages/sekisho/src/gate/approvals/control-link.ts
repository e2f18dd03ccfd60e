import type * as z from 'zod'
import { SekishoError } from '../../core/error.ts'
import type { HeldAction } from '../../wire/approval.ts'
import { controlToGate, gateToControl } from '../../wire/gate-control.ts'
import { Peer, type Transport } from '../../wire/peer.ts'

type Methods = typeof gateToControl
type ParamsOf<M extends keyof Methods> = z.infer<Methods[M]['params']>
type Cut = z.infer<(typeof controlToGate)['budget.cut']['params']>
type ResultOf<M extends keyof Methods> = z.infer<Methods[M]['result']>

/** What waits for no people is answered by then. */
const ANSWER_TIMEOUT_MS = 5_000
/** Until it is settled a call counts as its worst case. Held back so long, most travel with others. */
const SETTLE_WAIT_MS = 4

/** A gate's one way to control. Without a live peer every call rejects: nobody can be asked. */
export class ControlLink {
  #peer: Peer<Methods, typeof controlToGate> | undefined
  /** by session */
  readonly #cuts = new Map<string, (cut: Cut) => void>()

  /** Takes the place of the peer before it, whose pending calls then fail. */
  attach(transport: Transport): void {
    const before = this.#peer
    this.#peer = new Peer('control', transport, {
      out: gateToControl,
      in: controlToGate,
      handlers: {
        'budget.cut': (cut) => {
          this.#cuts.get(cut.session)?.(cut)
          return {}
        },
      },
    })
    before?.close()
  }

  get isUp(): boolean {
    return this.#peer !== undefined && !this.#peer.closed
  }

  close(): void {
    this.#peer?.close()
  }

  /** Ends when people answer. @throws SekishoError PEER_UNAVAILABLE or what control answered */
  async wait(held: HeldAction): Promise<ResultOf<'hold.wait'>> {
    return this.#live().call('hold.wait', held, { timeoutMs: Infinity })
  }

  /** Nobody waits for an answer any more. @throws as {@link wait}, TIMEOUT */
  async withdraw(id: string, why: string): Promise<void> {
    await this.#live().call('hold.withdraw', { id, why }, { timeoutMs: ANSWER_TIMEOUT_MS })
  }

  /** @throws as {@link wait}, TIMEOUT */
  async reserve(asked: ParamsOf<'ledger.reserve'>): Promise<ResultOf<'ledger.reserve'>> {
    return this.#live().call('ledger.reserve', asked, { timeoutMs: ANSWER_TIMEOUT_MS })
  }

  /** @throws as {@link wait}, TIMEOUT */
  async release(asked: ParamsOf<'ledger.release'>): Promise<void> {
    await this.#live().call('ledger.release', asked, { timeoutMs: ANSWER_TIMEOUT_MS })
  }

  /** @throws as {@link wait}, TIMEOUT */
  async reserveSpend(asked: ParamsOf<'spend.reserve'>): Promise<ResultOf<'spend.reserve'>> {
    return this.#live().call('spend.reserve', asked, { timeoutMs: ANSWER_TIMEOUT_MS })
  }

  /** @throws as {@link wait}, TIMEOUT */
  async settleSpend(call: ParamsOf<'spend.settle'>): Promise<void> {
    const options = { timeoutMs: ANSWER_TIMEOUT_MS, mayWaitMs: SETTLE_WAIT_MS }
    await this.#live().call('spend.settle', call, options)
  }

  /** Calls of a session that are to be ended are told to it, until {@link forget}. */
  onBudgetCut(session: string, cut: (cut: Cut) => void): void {
    this.#cuts.set(session, cut)
  }

  /** The session is over. */
  forget(session: string): void {
    this.#cuts.delete(session)
  }

  #live(): Peer<Methods, typeof controlToGate> {
    if (this.#peer !== undefined) return this.#peer
    throw new SekishoError('PEER_UNAVAILABLE', 'control is not attached yet')
  }
}
