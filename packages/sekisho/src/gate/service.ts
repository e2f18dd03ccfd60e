import { randomBytes } from 'node:crypto'
import { Socket as UdpSocket } from 'node:dgram'
import { Server, Socket } from 'node:net'
import { SekishoError } from '../core/error.ts'
import { holdIdFrom } from '../core/ids.ts'
import { DETECTORS } from '../detect/egress/all.ts'
import { compileDetectors } from '../detect/egress/engine.ts'
import { supervisorToGate } from '../wire/gate.ts'
import { Activity } from './activity.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import { ControlLink } from './approvals/control-link.ts'
import { HoldLine } from './approvals/hold-line.ts'
import { makeGateKey } from './certificates.ts'
import { type Destination, destinationOf } from './connection-router.ts'
import { IdleConnections } from './idle-connections.ts'
import { HeldBytes } from './inspection/held-bytes.ts'
import { KeyholderLink } from './keyholder-link.ts'
import { Network } from './network.ts'
import { Restores } from './recovery/restores.ts'
import { PopularLists } from './packages/popular-lists.ts'
import { Policies } from './policies.ts'
import { WithheldBytes } from './packages/withheld-bytes.ts'
import { type Lookup, systemLookup } from './resolver.ts'
import type { GateParts } from './session-parts.ts'

/** Bodies that are looked at whole, of all sessions together. */
const HELD_BYTES = 512 * 1024 * 1024
/** Files of packages that are kept back until they have been looked at, of all sessions. */
const WITHHELD_BYTES = 256 * 1024 * 1024

export type GateOptions = {
  supervisor: Transport
  /** wall clock, Unix ms */
  now: () => number
  /** resolvers to ask at dial time, `address` or `address:port`; empty or missing: the system's */
  dnsServers?: readonly string[]
  /** in place of the resolvers */
  lookup?: Lookup
  /** how many connections may have their TLS end here, in place of the usual number */
  maxTlsConnections?: number | undefined
  /** in place of what the kernel says a connection was dialled to */
  destinationOf?: (socket: Socket) => Destination
  /** the keyholder does not know this process, and will not: another has to take its place */
  unknown?: () => void
}

/** The data plane of many sessions in one process. Holds no right but the network. */
export async function serveGate(options: GateOptions): Promise<{ stop(): Promise<void> }> {
  const networks = new Networks(makeParts(options))
  const peer = new Peer('supervisor', options.supervisor, {
    out: {},
    in: supervisorToGate,
    handlers: makeHandlers(networks),
  })
  return {
    stop: async () => {
      await networks.closeAll()
      peer.close()
    },
  }
}

function makeParts(options: GateOptions): GateParts {
  const start = randomBytes(8).toString('hex')
  let ids = 0
  const keyholder = new KeyholderLink(options.unknown)
  const control = new ControlLink()
  const newHoldId = (): string => holdIdFrom(randomBytes(20))
  return {
    keyholder,
    control,
    holds: new HoldLine({ keyholder, control, newHoldId, now: options.now }),
    policies: new Policies(),
    key: makeGateKey(),
    lookup: options.lookup ?? systemLookup(options.dnsServers ?? []),
    destinationOf: options.destinationOf ?? destinationOf,
    detectors: compileDetectors(DETECTORS),
    heldBytes: new HeldBytes(HELD_BYTES),
    activity: new Activity(),
    idle: new IdleConnections(options.maxTlsConnections),
    popular: new PopularLists(),
    withheld: new WithheldBytes(WITHHELD_BYTES),
    newId: () => `${start}-${(ids++).toString(36)}`,
    now: options.now,
  }
}

class Networks {
  readonly parts: GateParts
  readonly restores: Restores
  readonly #networks = new Map<number, Network>()

  constructor(parts: GateParts) {
    this.parts = parts
    this.restores = new Restores(parts)
  }

  get size(): number {
    return this.#networks.size
  }

  get connections(): number {
    return [...this.#networks.values()].reduce((sum, { connections }) => sum + connections, 0)
  }

  /** digests of what decides here, and of what is to decide next */
  get policies(): string[] {
    const used = [...this.#networks.values()].map(({ policy }) => policy)
    const all = new Set([...used, this.parts.policies.newest])
    return [...all].filter((digest) => digest !== undefined)
  }

  /** made by the first handle that arrives for it */
  take(id: number): Network {
    const known = this.#networks.get(id)
    if (known !== undefined) return known
    const network = new Network(this.parts)
    this.#networks.set(id, network)
    return network
  }

  /** @throws SekishoError SESSION_UNKNOWN */
  find(id: number): Network {
    const network = this.#networks.get(id)
    if (network !== undefined) return network
    throw new SekishoError('SESSION_UNKNOWN', `network ${id} is not here`)
  }

  async close(id: number): Promise<Record<string, number>> {
    const network = this.find(id)
    this.#networks.delete(id)
    return network.close()
  }

  /** Nothing of the session leaves here any more once this has resolved. */
  async revoke(session: string): Promise<void> {
    await Promise.all([...this.#networks.values()].map((network) => network.revoke(session)))
  }

  async closeAll(): Promise<void> {
    const ids = [...this.#networks.keys()]
    await Promise.all([...ids.map((id) => this.close(id)), this.restores.closeAll()])
    this.parts.keyholder.close()
    this.parts.control.close()
  }
}

function makeHandlers(networks: Networks): Handlers<typeof supervisorToGate> {
  const { keyholder, control } = networks.parts
  return {
    'network.tcp': ({ network }, handle) => {
      if (!(handle instanceof Server)) throw withoutHandle('network.tcp')
      networks.take(network).listen(handle)
      return {}
    },
    'network.dns': ({ network }, handle) => {
      if (!(handle instanceof UdpSocket)) throw withoutHandle('network.dns')
      networks.take(network).answer(handle)
      return {}
    },
    'policy.install': (bundle) => {
      networks.parts.policies.install(bundle)
      return {}
    },
    'session.policy': ({ network, decision }) => ({
      closed: networks.find(network).decideBy(decision),
    }),
    'session.bind': ({ network, config }) => {
      networks.find(network).bind(config)
      return {}
    },
    'network.close': async ({ network }) => ({ counters: await networks.close(network) }),
    'network.egress': ({ network }) => networks.find(network).egress,
    'packet.denied': async ({ network, packet, repeated }) => {
      await networks.find(network).denyPacket(Buffer.from(packet, 'base64'), repeated)
      return {}
    },
    ...restoreHandlers(networks.restores),
    ...linkHandlers(networks),
    status: () => ({
      policies: networks.policies,
      networks: networks.size,
      connections: networks.connections,
      degraded: [
        ...(keyholder.isUp ? [] : ['the keyholder is not attached: everything is denied']),
        ...(control.isUp ? [] : ['control is not attached: what waits for people is denied']),
      ],
    }),
    stop: async () => {
      await networks.closeAll()
      return {}
    },
  }
}

type LinkCalls = 'keyholder.attach' | 'control.attach'

function linkHandlers(networks: Networks): Pick<Handlers<typeof supervisorToGate>, LinkCalls> {
  const { keyholder, control } = networks.parts
  return {
    'keyholder.attach': (_params, handle) => {
      if (!(handle instanceof Socket)) throw withoutHandle('keyholder.attach')
      keyholder.attach(socketTransport(handle), (session) => networks.revoke(session))
      return {}
    },
    'control.attach': (_params, handle) => {
      if (!(handle instanceof Socket)) throw withoutHandle('control.attach')
      control.attach(socketTransport(handle))
      return {}
    },
  }
}

type RestoreCalls = 'restore.open' | 'restore.item' | 'restore.close'

function restoreHandlers(
  restores: Restores,
): Pick<Handlers<typeof supervisorToGate>, RestoreCalls> {
  return {
    'restore.open': ({ config, of }) => {
      restores.open(config, of)
      return {}
    },
    'restore.item': ({ session, ...asked }) => restores.restore(session, asked),
    'restore.close': async ({ session }) => ({ counters: await restores.close(session) }),
  }
}

function withoutHandle(method: string): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', `${method} came without its socket`)
}
