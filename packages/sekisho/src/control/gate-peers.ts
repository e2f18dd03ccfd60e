import { Socket } from 'node:net'
import { SekishoError } from '../core/error.ts'
import { gateToControl } from '../wire/gate-control.ts'
import { type Handle, type Handlers, Peer } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import type { WaitingHolds } from './approvals/waiting-holds.ts'

type NoCalls = Record<never, never>
export type LedgerHandlers = Pick<
  Handlers<typeof gateToControl>,
  'ledger.reserve' | 'ledger.release'
>

/** The gates that may ask this process something, each over a socket pair of its own. */
export class GatePeers {
  readonly #peers = new Set<Peer<NoCalls, typeof gateToControl>>()
  readonly #holds: WaitingHolds
  readonly #ledger: LedgerHandlers
  /** sessions whose identity was revoked, until they have ended */
  readonly #revoked = new Set<string>()

  constructor({ holds, ledger }: { holds: WaitingHolds; ledger: LedgerHandlers }) {
    this.#holds = holds
    this.#ledger = ledger
  }

  /** @throws SekishoError PROTOCOL_VIOLATION */
  attach(handle: Handle): void {
    if (!(handle instanceof Socket)) {
      throw new SekishoError('PROTOCOL_VIOLATION', 'gate.attach came without its socket')
    }
    const gate: Peer<NoCalls, typeof gateToControl> = new Peer('gate', socketTransport(handle), {
      out: {},
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
      },
    })
    this.#peers.add(gate)
    gate.onClose(() => {
      this.#peers.delete(gate)
      this.#holds.gateGone(gate)
    })
    handle.resume() // a socket handed over may have been paused until now
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
