import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { gateToKeyholder, supervisorToKeyholder } from '../wire/keyholder.ts'
import { type Handle, type Handlers, Peer, type Transport } from '../wire/peer.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { LimitName } from '../wire/sandbox.ts'
import { socketTransport } from '../wire/transport.ts'
import { ContentStore } from './blobs/content-store.ts'
import { KeptContents } from './blobs/kept-contents.ts'
import { isFact, Keyholder } from './keyholder.ts'
import { Keys } from './keys.ts'
import { openLog } from './log/open-log.ts'
import { loadMasterKey } from './master-key.ts'
import { MandateUses } from './approvals/mandate-uses.ts'
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
  const uses = new MandateUses(join(stateDir, 'mandate-uses.sqlite'), now())
  const keyholder = new Keyholder({ log, keys, now, uses })
  const nowMs = (): number => now().getTime()
  const contents = new KeptContents({
    store: new ContentStore({ dir: join(stateDir, 'contents'), keys, now: nowMs }),
    running: (id) => keyholder.running(id),
    append: (leaf) => log.append(leaf),
    now: nowMs,
  })
  const service = new Service(keyholder, contents)
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
  readonly #contents: KeptContents
  readonly #gates = new Set<Peer<NoCalls, typeof gateToKeyholder>>()
  #stopped: Promise<void> | undefined

  constructor(keyholder: Keyholder, contents: KeptContents) {
    this.#keyholder = keyholder
    this.#contents = contents
  }

  /** What is queued is written and answered; then the gates are let go. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#contents.stop()
    await this.#keyholder.log.close()
    await nextTurn() // the answers of the last batch leave first
    for (const gate of this.#gates) gate.close()
  }

  supervisorHandlers(): Handlers<typeof supervisorToKeyholder> {
    const keyholder = this.#keyholder
    return {
      'session.open': ({ session, ...opening }) => keyholder.open(session, opening),
      'session.close': async ({ session, leaf }) => {
        this.#contents.forget(session)
        return { index: await keyholder.close(session, leaf) }
      },
      record: async ({ leaf }) => ({ index: await this.#recordForSupervisor(leaf) }),
      'policy.set': async (policy) => {
        await keyholder.approvals.setPolicy(policy)
        return {}
      },
      'approval.answer': (signed) => keyholder.approvals.answer(signed),
      'content.put': async (piece) => ({ digest: await this.#contents.put(piece) }),
      'content.get': (asked) => this.#contents.read(asked),
      'gate.attach': (_, handle) => this.#attach(handle),
      status: () => ({
        logSize: keyholder.log.size,
        logKey: keyholder.log.vkey,
        degraded: DEGRADED,
        sessions: keyholder.sessions,
        policy: keyholder.approvals.policyDigest,
      }),
      stop: async () => {
        await this.stop()
        return {}
      },
    }
  }

  async #recordForSupervisor(leaf: LeafInput): Promise<number> {
    if (isFact(leaf)) return this.#keyholder.recordFact(leaf)
    if (isOthers(leaf)) throw violation(`${leaf.type} is not the supervisor’s to record`)
    switch (leaf.type) {
      case 'platform.start':
        this.#contents.sweepRegularly()
        return this.#keyholder.recordPlatform(leaf)
      case 'platform.stop':
      case 'gap':
        return this.#keyholder.recordPlatform(leaf)
      case 'action.intent':
        return (await this.#keyholder.recordIntent(leaf, [])).index
      case 'action.outcome':
        return this.#keyholder.recordOutcome(leaf)
      case 'session.state':
        return this.#keyholder.recordOfSession(leaf)
    }
  }

  #attach(handle: Handle): Record<never, never> {
    if (!(handle instanceof Duplex)) throw violation('gate.attach without a socket')
    if (this.#stopped !== undefined) {
      handle.destroy()
      throw new SekishoError('PEER_UNAVAILABLE', 'the keyholder is stopping')
    }
    const gate: Peer<NoCalls, typeof gateToKeyholder> = new Peer('gate', socketTransport(handle), {
      out: {},
      in: gateToKeyholder,
      handlers: this.#gateHandlers(() => gate),
    })
    this.#gates.add(gate)
    gate.onClose(() => {
      this.#gates.delete(gate)
      this.#keyholder.approvals.openerGone(gate).catch(unrecorded)
    })
    handle.resume() // a socket handed over may have been paused until now
    return {}
  }

  /** @param gate whose they are */
  #gateHandlers(gate: () => object): Handlers<typeof gateToKeyholder> {
    return {
      record: (asked) => this.#recordForGate(asked, gate()),
      certify: ({ session, host, spki }) => {
        const { certificate, notAfter } = this.#keyholder.certify(session, host, spki)
        return { certificate: certificate.toString('base64'), notAfter: notAfter.getTime() }
      },
      'blob.put': async (piece) => ({ digest: await this.#contents.put(piece) }),
      'blob.name': ({ session, of, sha256 }) => ({
        digest:
          of === null
            ? this.#contents.nameOf(session, sha256)
            : this.#contents.nameOfRestored(session, of, sha256),
      }),
      'blob.get': (asked) => this.#contents.get(asked),
    }
  }

  /**
   * A gate tells of actions, of those that wait for people, of the limits that it holds itself, and
   * of what its detectors found: it cannot speak for the platform or a session.
   */
  async #recordForGate(
    { leaf, credentials: names }: { leaf: LeafInput; credentials: readonly string[] },
    gate: object,
  ): Promise<{ index: number; credentials: Record<string, string> }> {
    if (leaf.type === 'action.intent') {
      const { index, credentials } = await this.#keyholder.recordIntent(leaf, names)
      const values = [...credentials].map(([name, secret]) => [name, secret.reveal()] as const)
      return { index, credentials: Object.fromEntries(values) }
    }
    if (names.length > 0) throw violation(`${leaf.type} takes no credentials`)
    const recorded = this.#recordHold(leaf, gate) ?? this.#recordOfSession(leaf)
    return { index: await recorded, credentials: {} }
  }

  /** @returns undefined for a leaf about anything else */
  #recordHold(leaf: LeafInput, gate: object): Promise<number> | undefined {
    if (leaf.type !== 'action.held' && leaf.type !== 'approval.ended') return undefined
    const { approvals } = this.#keyholder
    const { began } = this.#keyholder.running(leaf.session)
    if (leaf.type === 'approval.ended') return approvals.end(leaf)
    if (began === undefined) throw violation('nobody knows who began this session')
    return approvals.open(leaf, { uid: began.uid, opener: gate })
  }

  #recordOfSession(leaf: LeafInput): Promise<number> {
    const keyholder = this.#keyholder
    if (leaf.type === 'action.outcome') return keyholder.recordOutcome(leaf)
    if (leaf.type === 'limit.breach' && GATE_LIMITS.has(leaf.limit)) {
      return keyholder.recordOfSession(leaf)
    }
    if (leaf.type === 'alert' && leaf.rule.startsWith('detect.')) {
      return keyholder.recordOfSession(leaf)
    }
    if (leaf.type !== 'action.preimage') throw violation(`a gate records no ${leaf.type}`)
    this.#contents.checkPreImage(leaf)
    return keyholder.recordOfSession(leaf)
  }
}

/** Written with what they tell of, or by a gate. */
const OTHERS = [
  'session.start',
  'session.end',
  'action.held',
  'action.preimage',
  'approval.answer',
  'approval.ended',
  'content.removed',
  'identity.authority',
  'identity.issued',
  'identity.revoked',
  'identity.conflict',
] as const

function isOthers(leaf: LeafInput): leaf is Extract<LeafInput, { type: (typeof OTHERS)[number] }> {
  return OTHERS.some((type) => type === leaf.type)
}

/** The log is down, and with it everything; what waited is over all the same. */
function unrecorded(error: unknown): void {
  process.stderr.write(`keyholder: the end of a hold is not in the log: ${String(error)}\n`)
}
