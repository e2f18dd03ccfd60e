import type { Readable } from 'node:stream'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import { passRequest, recordDenial } from '../flow/checkpoint.ts'
import type { ActionOutcome } from '../flow/ports.ts'
import {
  type AgentReply,
  deniedReply,
  sendAgentReply,
  UNAVAILABLE,
  upstreamFailed,
} from './denial.ts'
import { HttpExchange, type HttpPerformer } from './http-exchange.ts'
import type { HeadRead } from './http-head.ts'
import type { ReplySink } from './reply-sink.ts'
import type { SessionContext } from './session-context.ts'

/** One request as its reader hands it over, whatever protocol it came by. */
export type Arrival = {
  head: HeadRead
  /** name, value, name, value … in the order and case sent, latin1 */
  fields: readonly string[]
  body: Readable
  /** the agent waits for 100 before it sends the body */
  expectsContinue: boolean
  sink: ReplySink
  /** called before a reply after which the reader must take no further request */
  endAfter(): void
}

/** What every request takes once its reader has read its head, in every protocol. */
export class RequestPath {
  readonly #context: SessionContext
  readonly #performer: HttpPerformer

  constructor(context: SessionContext, performer: HttpPerformer) {
    this.#context = context
    this.#performer = performer
  }

  /** Answers the agent in any case. Never rejects. */
  async handle(arrival: Arrival): Promise<void> {
    const { head, sink } = arrival
    const { counters } = this.#context
    counters.requests += 1
    const close = head.kind === 'refused' || head.hasBody
    try {
      const result = head.kind === 'read' ? await this.#pass(head, arrival) : await this.deny(head)
      if (result.kind !== 'deny') return this.#count(result)
      counters.denied += 1
      if (close) arrival.endAfter()
      const status = head.kind === 'refused' ? head.status : null
      sendAgentReply(sink, deniedReply(result.rules, status), { close })
    } catch (thrown) {
      arrival.endAfter()
      sendAgentReply(sink, this.#unavailable(thrown), { close: true })
    }
  }

  /** Records a request that was refused when its head was read. @throws as passRequest */
  async deny({ action, by }: Extract<HeadRead, { kind: 'refused' }>): Promise<Deny> {
    await recordDenial({ action, by }, this.#context.ports)
    return by
  }

  #pass(
    { action, hasBody }: Extract<HeadRead, { kind: 'read' }>,
    { fields, body, expectsContinue, sink }: Arrival,
  ): Promise<Deny | ActionOutcome> {
    const arrival = { action, hasBody, fields, body, expectsContinue, sink }
    return passRequest(action, new HttpExchange(arrival, this.#performer), this.#context.ports)
  }

  #count(outcome: ActionOutcome): void {
    if (outcome.kind !== 'performed') return
    const { counters } = this.#context
    counters.bytesOut += outcome.bytesOut
    counters.bytesIn += outcome.bytesIn
    counters.scrubbed += outcome.scrubbed
  }

  #unavailable(thrown: unknown): AgentReply {
    if (toSekishoError(thrown).code === 'UPSTREAM_FAILED') {
      return upstreamFailed(502, 'the upstream name does not resolve')
    }
    this.#context.counters.unavailable += 1
    return UNAVAILABLE
  }
}
