import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { gateToKeyholder, supervisorToKeyholder } from '../wire/keyholder.ts'
import { type Handle, type Handlers, Peer, type Transport } from '../wire/peer.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { LimitName } from '../wire/sandbox.ts'
import { socketTransport } from '../wire/transport.ts'
import { isFact, Keyholder } from './keyholder.ts'
import { Keys } from './keys.ts'
import { openLog } from './log/open-log.ts'
import { loadMasterKey } from './master-key.ts'
import { violation } from './session.ts'

const GATE_LIMITS: ReadonlySet<LimitName> = new Set(['egress-bytes', 'egress-requests'])

/** The key is a file, readable by whoever becomes the keyholder's user: no hardware keeps it. */
const DEGRADED = ['software-key']

/**
 * The keyholder: keys, session authorities, secrets and the log, for one supervisor and the gates
 * that it attaches. Everything it keeps is below `stateDir`, which no other process may write.
 *
 * @throws SekishoError DAEMON_RUNNING, LOG_BROKEN, LOG_UNWRITABLE or CONFIG_INVALID: then it does
 * not serve at all
 */
export async function serveKeyholder(options: {
  stateDir: string
  now: () => Date
  supervisor: Transport
}): Promise<{ stop(): Promise<void> }> {
  const { stateDir, now, supervisor } = options
  const keys = new Keys(loadMasterKey(join(stateDir, 'keys')))
  const log = await openLog({ dir: join(stateDir, 'log'), signer: keys.logSigner(), now })
  const service = new Service(new Keyholder({ log, keys, now }))
  new Peer('supervisor', supervisor, {
    out: {},
    in: supervisorToKeyholder,
    handlers: service.supervisorHandlers(),
  })
  return { stop: () => service.stop() }
}

type NoCalls = Record<never, never>

class Service {
  readonly #keyholder: Keyholder
  readonly #gates = new Set<Peer<NoCalls, typeof gateToKeyholder>>()
  #stopped: Promise<void> | undefined

  constructor(keyholder: Keyholder) {
    this.#keyholder = keyholder
  }

  /** What is queued is written and answered; then the gates are let go. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#keyholder.log.close()
    await nextTurn() // the answers of the last batch leave first
    for (const gate of this.#gates) gate.close()
  }

  supervisorHandlers(): Handlers<typeof supervisorToKeyholder> {
    const keyholder = this.#keyholder
    return {
      'session.open': ({ session, ...opening }) => keyholder.open(session, opening),
      'session.close': async ({ session, leaf }) => ({
        index: await keyholder.close(session, leaf),
      }),
      record: async ({ leaf }) => ({ index: await this.#recordForSupervisor(leaf) }),
      'gate.attach': (_, handle) => this.#attach(handle),
      status: () => ({
        logSize: keyholder.log.size,
        logKey: keyholder.log.vkey,
        degraded: DEGRADED,
        sessions: keyholder.sessions,
      }),
      stop: async () => {
        await this.stop()
        return {}
      },
    }
  }

  async #recordForSupervisor(leaf: LeafInput): Promise<number> {
    if (isFact(leaf)) return this.#keyholder.recordFact(leaf)
    switch (leaf.type) {
      case 'platform.start':
      case 'platform.stop':
      case 'gap':
        return this.#keyholder.recordPlatform(leaf)
      case 'action.intent':
        return (await this.#keyholder.recordIntent(leaf, [])).index
      case 'action.outcome':
        return this.#keyholder.recordOutcome(leaf)
      case 'session.start':
      case 'session.end':
        throw violation(`${leaf.type} is written by session.open and session.close`)
    }
  }

  #attach(handle: Handle): Record<never, never> {
    if (!(handle instanceof Duplex)) throw violation('gate.attach without a socket')
    if (this.#stopped !== undefined) {
      handle.destroy()
      throw new SekishoError('PEER_UNAVAILABLE', 'the keyholder is stopping')
    }
    const gate = new Peer('gate', socketTransport(handle), {
      out: {},
      in: gateToKeyholder,
      handlers: this.#gateHandlers(),
    })
    this.#gates.add(gate)
    gate.onClose(() => this.#gates.delete(gate))
    handle.resume() // a socket handed over may have been paused until now
    return {}
  }

  #gateHandlers(): Handlers<typeof gateToKeyholder> {
    return {
      record: ({ leaf, credentials }) => this.#recordForGate(leaf, credentials),
      certify: ({ session, host, spki }) => {
        const { certificate, notAfter } = this.#keyholder.certify(session, host, spki)
        return { certificate: certificate.toString('base64'), notAfter: notAfter.getTime() }
      },
    }
  }

  /**
   * A gate tells of actions, of the limits that it holds itself, and of what its detectors found: it
   * cannot speak for the
   * platform or a session.
   */
  async #recordForGate(
    leaf: LeafInput,
    names: readonly string[],
  ): Promise<{ index: number; credentials: Record<string, string> }> {
    if (leaf.type === 'action.outcome') {
      if (names.length > 0) throw violation('an outcome takes no credentials')
      return { index: await this.#keyholder.recordOutcome(leaf), credentials: {} }
    }
    if (leaf.type === 'limit.breach' && GATE_LIMITS.has(leaf.limit) && names.length === 0) {
      return { index: await this.#keyholder.recordOfSession(leaf), credentials: {} }
    }
    if (leaf.type === 'alert' && leaf.rule.startsWith('detect.') && names.length === 0) {
      return { index: await this.#keyholder.recordOfSession(leaf), credentials: {} }
    }
    if (leaf.type !== 'action.intent') throw violation(`a gate records no ${leaf.type}`)
    const { index, credentials } = await this.#keyholder.recordIntent(leaf, names)
    const values = [...credentials].map(([name, secret]) => [name, secret.reveal()] as const)
    return { index, credentials: Object.fromEntries(values) }
  }
}
