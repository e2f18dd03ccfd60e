import type { HttpRequestAction } from '../../core/action.ts'
import type { Deny } from '../../core/verdict.ts'
import type { ActionOutcome } from '../../flow/ports.ts'
import { type AgentReply, deniedReply, sendAgentReply } from '../denial.ts'
import type { HttpArrival } from '../http-exchange.ts'
import type { HeldBytes } from '../inspection/held-bytes.ts'
import { GatewayFront } from './gateway-front.ts'
import type { ModelParts } from './ports.ts'
import { SocketFront } from './socket/socket-front.ts'
import { GATEWAY_HOST } from './targets.ts'

/** Where model calls come in beside plain requests at a provider's own name. */
export type ModelFronts = { gateway: GatewayFront; socket: SocketFront }

type Take = (
  arrival: HttpArrival,
  alias?: string,
) => Promise<{ result: Deny | ActionOutcome; reply?: AgentReply | undefined }>

/** A request to the gate's own name for models. */
export function isGateway({ host, scheme }: HttpRequestAction): boolean {
  return host === GATEWAY_HOST && scheme === 'http'
}

type How = {
  take: Take
  count: (outcome: ActionOutcome) => void
  unavailable: (thrown: unknown) => AgentReply
}

/**
 * @param how `take`: one call through the checkpoint; `count`: what was answered without one;
 *   `unavailable`: what is said of a call that could not be taken through
 */
export function modelFronts(
  models: ModelParts,
  { heldBytes }: { heldBytes: HeldBytes },
  { take, count, unavailable }: How,
): ModelFronts {
  const { settings, credentials, ports, placeholders } = models
  const gateway = new GatewayFront({
    settings,
    credentials,
    heldBytes,
    ports,
    pass: async (arrival, alias) => (await take(arrival, alias)).result,
    random: () => Math.random(),
    count,
  })
  const socket = new SocketFront({
    ports,
    placeholders,
    pass: async (arrival) => {
      try {
        const { result, reply } = await take(arrival)
        if (result.kind !== 'deny') return
        sendAgentReply(arrival.sink, reply ?? deniedReply(result.rules), { close: false })
      } catch (thrown) {
        sendAgentReply(arrival.sink, unavailable(thrown), { close: true })
      }
    },
  })
  return { gateway, socket }
}
