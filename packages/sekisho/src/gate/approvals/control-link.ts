import type * as z from 'zod'
import { SekishoError } from '../../core/error.ts'
import type { HeldAction } from '../../wire/approval.ts'
import { gateToControl } from '../../wire/gate-control.ts'
import { Peer, type Transport } from '../../wire/peer.ts'

type Methods = typeof gateToControl
type ParamsOf<M extends keyof Methods> = z.infer<Methods[M]['params']>
type ResultOf<M extends keyof Methods> = z.infer<Methods[M]['result']>

/** What waits for no people is answered by then. */
const ANSWER_TIMEOUT_MS = 5_000

/** A gate's one way to control. Without a live peer every call rejects: nobody can be asked. */
export class ControlLink {
  #peer: Peer<Methods> | undefined

  /** Takes the place of the peer before it, whose pending calls then fail. */
  attach(transport: Transport): void {
    const before = this.#peer
    this.#peer = new Peer('control', transport, { out: gateToControl, in: {}, handlers: {} })
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

  #live(): Peer<Methods> {
    if (this.#peer !== undefined) return this.#peer
    throw new SekishoError('PEER_UNAVAILABLE', 'control is not attached yet')
  }
}
