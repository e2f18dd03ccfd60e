import type { Duplex, Readable } from 'node:stream'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import { passRequest, recordDenial } from '../flow/checkpoint.ts'
import type { ActionOutcome, Exchange } from '../flow/ports.ts'
import {
  type AgentReply,
  deniedReply,
  rawAgentReply,
  sendAgentReply,
  UNAVAILABLE,
  upstreamFailed,
} from './denial.ts'
import { type HttpArrival, HttpExchange, type HttpPerformer } from './http-exchange.ts'
import type { HeadRead } from './http-head.ts'
import { ProvenanceExchange } from './provenance/provenance-exchange.ts'
import { isRecoverable, RecoverableExchange } from './recovery/recoverable-exchange.ts'
import { ValueSink } from './operations/value-sink.ts'
import type { ReplySink } from './reply-sink.ts'
import type { SessionContext } from './session-context.ts'
import { WebSocketExchange } from './websocket/exchange.ts'

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
  /** it came by HTTP/2 and goes on by HTTP/2 where the upstream speaks it */
  isHttp2?: boolean
}

/** A request for a WebSocket. */
export type Switch = {
  head: HeadRead
  fields: readonly string[]
  /** the agent's connection, after the parser has let go of it */
  socket: Duplex
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
      if (result.kind !== 'deny') return this.#context.counters.countOutcome(result)
      counters.denied += 1
      if (close) arrival.endAfter()
      const status = head.kind === 'refused' ? head.status : null
      sendAgentReply(sink, deniedReply(result.rules, status), { close })
    } catch (thrown) {
      arrival.endAfter()
      sendAgentReply(sink, this.#unavailable(thrown), { close: true })
    }
  }

  /**
   * As `handle`, for a request that goes on as a WebSocket: the answer is written to the connection
   * itself, and the connection ends with it or with the WebSocket. Never rejects.
   */
  async switchTo({ head, fields, socket }: Switch): Promise<void> {
    const { counters } = this.#context
    counters.requests += 1
    const end = (reply: AgentReply): void => {
      if (socket.writable) socket.end(rawAgentReply(reply))
    }
    try {
      if (head.kind === 'refused') {
        const { rules } = await this.deny(head)
        counters.denied += 1
        return end(deniedReply(rules, head.status))
      }
      const exchange = new WebSocketExchange(
        { action: head.action, fields, socket },
        this.#performer,
      )
      const result = await passRequest(head.action, exchange, this.#context.ports)
      if (result.kind === 'performed') return this.#context.counters.countOutcome(result)
      if (result.kind === 'deny') counters.denied += 1
      if (exchange.isSwitched) return void socket.end()
      // 426 sends a client back to plain HTTP at once (RFC 9110 §15.5.22); told 501, Codex asks six
      // more times in 6 s before it does
      if (result.kind === 'deny') {
        const status = result.rules.includes('invariant.upgrade') ? 426 : null
        return end(deniedReply(result.rules, status))
      }
      end(upstreamFailed(502, 'the upstream could not be reached or does not speak WebSocket'))
    } catch (thrown) {
      end(this.#unavailable(thrown))
    }
  }

  /** Records a request that was refused when its head was read. @throws as passRequest */
  async deny({ action, by }: Extract<HeadRead, { kind: 'refused' }>): Promise<Deny> {
    await recordDenial({ action, by }, this.#context.ports)
    return by
  }

  #pass(
    { action, hasBody }: Extract<HeadRead, { kind: 'read' }>,
    { fields, body, expectsContinue, sink, isHttp2 = false }: Arrival,
  ): Promise<Deny | ActionOutcome> {
    const arrival = { action, hasBody, fields, body, expectsContinue, sink, isHttp2 }
    return passRequest(action, exchangeFor(arrival, this.#performer), this.#context.ports)
  }

  #unavailable(thrown: unknown): AgentReply {
    if (toSekishoError(thrown).code === 'UPSTREAM_FAILED') {
      return upstreamFailed(502, 'the upstream name does not resolve')
    }
    this.#context.counters.unavailable += 1
    return UNAVAILABLE
  }
}

/**
 * Where a URL comes from is asked first; then the package firewall; then what is there is kept; then
 * the request is made.
 */
function exchangeFor(asked: HttpArrival, performer: HttpPerformer): Exchange {
  const { provenance } = performer
  const learner = performer.learnerFor(asked.action)
  const arrival =
    learner === undefined ? asked : { ...asked, sink: new ValueSink(asked.sink, learner) }
  if (provenance === null) return fetchFor(arrival, performer)
  return new ProvenanceExchange(arrival, provenance, (looked) => fetchFor(looked, performer))
}

function fetchFor(arrival: HttpArrival, performer: HttpPerformer): Exchange {
  const { recovery } = performer
  const make = (looked: HttpArrival): Exchange => new HttpExchange(looked, performer)
  const fetch = (looked: HttpArrival): Exchange =>
    recovery !== undefined && isRecoverable(looked)
      ? new RecoverableExchange(looked, recovery, make)
      : make(looked)
  return performer.packages?.exchangeFor(arrival, fetch) ?? fetch(arrival)
}
