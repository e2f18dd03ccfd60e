import type { Duplex, Readable } from 'node:stream'
import type { HttpRequestAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import { passRequest, recordDenial } from '../flow/checkpoint.ts'
import type { ActionOutcome, Exchange } from '../flow/ports.ts'
import { ModelExchange } from './llm/model-exchange.ts'
import { RevealExchange } from './llm/reveal-exchange.ts'
import { isGateway, type ModelFronts, modelFronts } from './llm/model-fronts.ts'
import type { GateExchange } from './wrapped-exchange.ts'
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

  readonly #fronts: ModelFronts | undefined

  constructor(context: SessionContext, performer: HttpPerformer) {
    this.#context = context
    this.#performer = performer
    const { models } = performer
    if (models === undefined) return
    this.#fronts = modelFronts(models, performer, {
      take: (arrival, alias) => this.#take(arrival, alias),
      count: (outcome) => context.counters.countOutcome(outcome),
      unavailable: (thrown) => this.#unavailable(thrown),
    })
  }

  /** Answers the agent in any case. Never rejects. */
  async handle(arrival: Arrival): Promise<void> {
    const { head, sink } = arrival
    const { counters } = this.#context
    counters.requests += 1
    const close = head.kind === 'refused' || head.hasBody
    try {
      const { result, reply } = await this.#passOrRefuse(arrival)
      if (result.kind !== 'deny') return
      counters.denied += 1
      if (reply === 'told') return
      if (close) arrival.endAfter()
      sendAgentReply(sink, reply ?? deniedReply(result.rules), { close })
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
      if (this.#performer.models?.routeOf(head.action) !== undefined) {
        return await this.#switchModels(head.action, { fields, socket }, end)
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

  /** A model provider's WebSocket ends here; what it asks for goes on call by call. */
  async #switchModels(
    action: HttpRequestAction,
    { fields, socket }: Pick<Switch, 'fields' | 'socket'>,
    end: (reply: AgentReply) => void,
  ): Promise<void> {
    const served = await this.#fronts?.socket.serve(action, { fields, socket })
    if (served === undefined) return
    if (served.kind !== 'deny') return this.#context.counters.countOutcome(served)
    this.#context.counters.denied += 1
    const status = served.rules.includes('invariant.upgrade') ? 426 : null
    end(deniedReply(served.rules, status))
  }

  /** Records a request that was refused when its head was read. @throws as passRequest */
  async deny({ action, by }: Extract<HeadRead, { kind: 'refused' }>): Promise<Deny> {
    await recordDenial({ action, by }, this.#context.ports)
    return by
  }

  #passOrRefuse(arrival: Arrival): Promise<Told> {
    const { head } = arrival
    if (head.kind !== 'read') return this.#refuse(head)
    if (this.#fronts === undefined || !isGateway(head.action)) return this.#pass(head, arrival)
    return this.#passGateway(this.#fronts.gateway.handle(head, arrival))
  }

  async #passGateway(handled: Promise<Deny | ActionOutcome>): Promise<Told> {
    return { result: await handled, reply: 'told' }
  }

  async #refuse(head: Extract<HeadRead, { kind: 'refused' }>): Promise<Passed> {
    const result = await this.deny(head)
    return { result, reply: deniedReply(result.rules, head.status) }
  }

  #pass(
    { action, hasBody }: Extract<HeadRead, { kind: 'read' }>,
    { fields, body, expectsContinue, sink, isHttp2 = false }: Arrival,
  ): Promise<Passed> {
    const arrival = { action, hasBody, fields, body, expectsContinue, sink, isHttp2 }
    return this.#take(arrival)
  }

  async #take(arrival: HttpArrival, alias?: string): Promise<Passed> {
    const exchange = exchangeFor(arrival, this.#performer, alias)
    const result = await passRequest(arrival.action, exchange, this.#context.ports)
    if (result.kind !== 'deny') this.#context.counters.countOutcome(result)
    return { result, reply: result.kind === 'deny' ? exchange.replyTo?.(result) : undefined }
  }

  #unavailable(thrown: unknown): AgentReply {
    if (toSekishoError(thrown).code === 'UPSTREAM_FAILED') {
      return upstreamFailed(502, 'the upstream name does not resolve')
    }
    this.#context.counters.unavailable += 1
    return UNAVAILABLE
  }
}

/** `told`: the agent has been answered already. */
type Told = { result: Deny | ActionOutcome; reply?: AgentReply | 'told' | undefined }
type Passed = { result: Deny | ActionOutcome; reply?: AgentReply | undefined }

/**
 * Where a URL comes from is asked first; then the package firewall; then what is there is kept; then
 * the request is made.
 */
function exchangeFor(
  asked: HttpArrival,
  performer: HttpPerformer,
  alias: string | undefined,
): GateExchange {
  const { provenance } = performer
  const learner = performer.learnerFor(asked.action)
  const arrival =
    learner === undefined ? asked : { ...asked, sink: new ValueSink(asked.sink, learner) }
  if (provenance === null) return fetchFor(arrival, performer, alias)
  return new ProvenanceExchange(arrival, provenance, (looked) => fetchFor(looked, performer, alias))
}

function fetchFor(
  arrival: HttpArrival,
  performer: HttpPerformer,
  alias: string | undefined,
): GateExchange {
  const { recovery, models } = performer
  const route = models?.routeOf(arrival.action)
  if (models !== undefined && route !== undefined) {
    const asked = { route, alias, parts: models }
    return new ModelExchange(arrival, asked, (own) => new HttpExchange(own, performer))
  }
  const make = (looked: HttpArrival): Exchange => {
    const own = (its: HttpArrival): HttpExchange => new HttpExchange(its, performer)
    const tokens = models?.personal
    // without a token nobody has been told of, there is nothing to put back
    if (tokens === undefined || tokens.size === 0) return own(looked)
    return new RevealExchange(looked, tokens, own)
  }
  const fetch = (looked: HttpArrival): Exchange =>
    recovery !== undefined && isRecoverable(looked)
      ? new RecoverableExchange(looked, recovery, make)
      : make(looked)
  return performer.packages?.exchangeFor(arrival, fetch) ?? fetch(arrival)
}
