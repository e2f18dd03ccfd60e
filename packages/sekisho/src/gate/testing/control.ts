import type net from 'node:net'
import type * as z from 'zod'
import type { HeldAction } from '../../wire/approval.ts'
import { controlToGate, gateToControl } from '../../wire/gate-control.ts'
import type { SpendAnswer, SpendReservation, SpendSettlement } from '../../wire/spend.ts'
import { Peer } from '../../wire/peer.ts'
import { socketTransport } from '../../wire/transport.ts'
import { socketPair } from './socket-pair.ts'

type WaitResult = z.infer<(typeof gateToControl)['hold.wait']['result']>

/** Speaks control's protocol over a real socket; what it answers is the test's to say. */
export class FakeControl {
  readonly held: HeldAction[] = []
  readonly withdrawn: string[] = []
  /** what becomes of a hold */
  answer: (held: HeldAction) => Promise<WaitResult> | WaitResult
  /** whether a call of a model may be made */
  reserve: (asked: SpendReservation) => SpendAnswer = ({ price }) => ({
    kind: 'reserved',
    outputTokens: null,
    microUsd: price === null ? null : 0,
  })
  readonly reserved: SpendReservation[] = []
  readonly settled: SpendSettlement[] = []
  readonly #waiters: (() => void)[] = []
  #socket: net.Socket | undefined
  #peer: Peer<typeof controlToGate, typeof gateToControl> | undefined

  /** @param answer by default nobody answers */
  constructor(answer: FakeControl['answer'] = () => new Promise(() => undefined)) {
    this.answer = answer
  }

  /** The gate's end of a new connection. */
  async connect(): Promise<net.Socket> {
    const [gateEnd, own] = await socketPair()
    this.#socket = own
    const peer = new Peer('gate', socketTransport(own), {
      out: controlToGate,
      in: gateToControl,
      handlers: {
        'hold.wait': (held) => {
          this.held.push(held)
          this.#tell()
          return this.answer(held)
        },
        'hold.withdraw': ({ id }) => {
          this.withdrawn.push(id)
          this.#tell()
          return {}
        },
        'ledger.reserve': () => ({ kind: 'reserved' as const }),
        'ledger.release': () => ({}),
        'spend.reserve': (asked) => {
          this.reserved.push(asked)
          this.#tell()
          return this.reserve(asked)
        },
        'spend.settle': (settlement) => {
          this.settled.push(settlement)
          this.#tell()
          return {}
        },
      },
    })
    this.#peer = peer
    peer.onClose(() => own.destroy())
    return gateEnd
  }

  /** The budget of these calls is exhausted. */
  async cut(session: string, ids: string[], budget: string): Promise<void> {
    await this.#peer?.call('budget.cut', { session, ids, budget, reason: 'it is exhausted' })
  }

  /** As if the process had died. */
  die(): void {
    this.#socket?.destroy()
  }

  /** Resolves as soon as it is so. */
  async until(isSo: (control: this) => boolean): Promise<void> {
    while (!isSo(this)) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  #tell(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}
