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
        'hold.wait': (held) => this.#holds.wait(held, gate),
        'hold.withdraw': ({ id }) => {
          this.#holds.withdraw(id, gate)
          return {}
        },
        ...this.#ledger,
      },
    })
    this.#peers.add(gate)
    gate.onClose(() => {
      this.#peers.delete(gate)
      this.#holds.gateGone(gate)
    })
    handle.resume() // a socket handed over may have been paused until now
  }

  close(): void {
    for (const gate of this.#peers) gate.close()
  }
}
