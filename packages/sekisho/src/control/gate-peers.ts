import { Socket } from 'node:net'
import { SekishoError } from '../core/error.ts'
import type { Cut } from '../budget/spend-state.ts'
import { controlToGate, gateToControl } from '../wire/gate-control.ts'
import { type Handle, type Handlers, Peer } from '../wire/peer.ts'
import type { SpendAnswer, SpendReservation, SpendSettlement } from '../wire/spend.ts'
import { socketTransport } from '../wire/transport.ts'
import type { WaitingHolds } from './approvals/waiting-holds.ts'

export type LedgerHandlers = Pick<
  Handlers<typeof gateToControl>,
  'ledger.reserve' | 'ledger.release'
>
/** Counts what calls of models come to. */
export type Spend = {
  reserve(asked: SpendReservation): Promise<SpendAnswer>
  settle(call: SpendSettlement): Promise<void>
}
type GatePeer = Peer<typeof controlToGate, typeof gateToControl>

/** Ids in one message. */
const MAX_CUT = 1024

/** The gates that may ask this process something, each over a socket pair of its own. */
export class GatePeers {
  readonly #peers = new Set<GatePeer>()
  readonly #holds: WaitingHolds
  readonly #ledger: LedgerHandlers
  readonly #spend: Spend
  /** sessions whose identity was revoked, until they have ended */
  readonly #revoked = new Set<string>()

  constructor(parts: { holds: WaitingHolds; ledger: LedgerHandlers; spend: Spend }) {
    this.#holds = parts.holds
    this.#ledger = parts.ledger
    this.#spend = parts.spend
  }

  /** @throws SekishoError PROTOCOL_VIOLATION */
  attach(handle: Handle): void {
    if (!(handle instanceof Socket)) {
      throw new SekishoError('PROTOCOL_VIOLATION', 'gate.attach came without its socket')
    }
    const gate: GatePeer = new Peer('gate', socketTransport(handle), {
      out: controlToGate,
      in: gateToControl,
      handlers: {
        'hold.wait': (held) => {
          this.#refuseRevoked(held.session)
          return this.#holds.wait(held, gate)
        },
        'hold.withdraw': ({ id }) => {
          this.#holds.withdraw(id, gate)
          return {}
        },
        'ledger.reserve': (reservation, handle) => {
          this.#refuseRevoked(reservation.session)
          return this.#ledger['ledger.reserve'](reservation, handle)
        },
        'ledger.release': this.#ledger['ledger.release'],
        'spend.reserve': (asked) => {
          this.#refuseRevoked(asked.session)
          return this.#spend.reserve(asked)
        },
        'spend.settle': async (call) => {
          await this.#spend.settle(call)
          return {}
        },
      },
    })
    this.#peers.add(gate)
    gate.onClose(() => {
      this.#peers.delete(gate)
      this.#holds.gateGone(gate)
    })
    handle.resume() // a socket handed over may have been paused until now
  }

  /** Each gate knows by the session whether it is meant; one that is gone has nothing in flight. */
  cut({ ids, reason, ...rest }: Cut): void {
    const asked = { ...rest, ids: ids.slice(0, MAX_CUT), reason: reason.slice(0, MAX_CUT) }
    for (const gate of this.#peers) gate.call('budget.cut', asked).catch(() => undefined)
  }

  /** Nobody is asked for it any more, and nothing reserved; what waits is over. */
  revoke(session: string): void {
    this.#revoked.add(session)
    this.#holds.sessionEnded(session)
  }

  sessionEnded(session: string): void {
    this.#revoked.delete(session)
  }

  #refuseRevoked(session: string): void {
    if (!this.#revoked.has(session)) return
    throw new SekishoError('IDENTITY_REVOKED', `the identity of ${session} was revoked`, {
      hint: 'see `sekisho identity list`',
    })
  }

  close(): void {
    for (const gate of this.#peers) gate.close()
  }
}
