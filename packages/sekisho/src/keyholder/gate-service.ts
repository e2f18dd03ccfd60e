import { Duplex } from 'node:stream'
import type * as z from 'zod'
import type { SekishoError } from '../core/error.ts'
import {
  gateToKeyholder,
  type Heard,
  type IdentityEntry,
  keyholderToGate,
} from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { type Handle, type Handlers, Peer } from '../wire/peer.ts'
import type { LimitName } from '../wire/sandbox.ts'
import { socketTransport } from '../wire/transport.ts'
import type { KeptContents } from './blobs/kept-contents.ts'
import { type Conflict, GateChannel, isConflict } from './identity/gate-channel.ts'
import { revokedError } from './identity/keyed-sessions.ts'
import { IN_MEMORY } from './identity/svids.ts'
import type { Keyholder } from './keyholder.ts'
import type { Recordings } from './recordings/recordings.ts'
import { violation } from './session.ts'
import { ToldLeaves } from './told-leaves.ts'

type GatePeer = Peer<typeof keyholderToGate, typeof gateToKeyholder>
type Attached = { channel: GateChannel; peer: GatePeer }
type Asked = z.infer<(typeof gateToKeyholder)['record']['params']>

const GATE_LIMITS: ReadonlySet<LimitName> = new Set(['egress-bytes', 'egress-requests'])
/** A gate that has not heard by then has not heard; what it asks is refused all the same. */
const HEARD_TIMEOUT_MS = 5000

export type GateServiceParts = {
  keyholder: Keyholder
  contents: KeptContents
  recordings: Recordings
  /** a canary was on its way to the outside; never rejects */
  tellCanary: (hit: { session: string; detail: string }) => void
}

/**
 * What gates may ask. Each is known by its socket, which the supervisor made for it: it speaks for
 * the sessions that were opened for it, numbers what it says, and signs what it says of outcomes.
 */
export class GateService {
  readonly #parts: GateServiceParts
  readonly #told: ToldLeaves
  readonly #attached = new Map<number, Attached>()

  constructor(parts: GateServiceParts) {
    this.#parts = parts
    const { keyholder, recordings } = parts
    this.#told = new ToldLeaves({
      keyholder,
      recordings,
      refuse: (channel, conflicts) => this.#conflict(channel, ...conflicts),
    })
  }

  /** @param gate its index; a gate that was there before under it is let go */
  attach(gate: number, handle: Handle): void {
    if (!(handle instanceof Duplex)) throw violation('gate.attach without a socket')
    const channel = new GateChannel(gate)
    const peer: GatePeer = new Peer('gate', socketTransport(handle), {
      out: keyholderToGate,
      in: gateToKeyholder,
      handlers: this.#handlers(channel, () => peer),
    })
    const before = this.#attached.get(gate)
    this.#attached.set(gate, { channel, peer })
    before?.peer.close()
    peer.onClose(() => {
      if (this.#attached.get(gate)?.peer === peer) this.#attached.delete(gate)
      this.#parts.keyholder.approvals.openerGone(peer).catch(unrecorded)
    })
    handle.resume() // a socket handed over may have been paused until now
  }

  closeAll(): void {
    for (const { peer } of this.#attached.values()) peer.close()
  }

  /** Nothing of the session leaves any gate once this has resolved; who has not heard, has null. */
  async tellRevoked(session: string): Promise<Heard> {
    const askedAtMs = performance.now()
    const tell = async ({ channel, peer }: Attached): Promise<Heard[number]> => {
      const name = `gate-${channel.gate}`
      try {
        await peer.call('session.revoked', { session }, { timeoutMs: HEARD_TIMEOUT_MS })
        return { name, afterMs: Math.round(performance.now() - askedAtMs) }
      } catch {
        return { name, afterMs: null } // that it has not heard is what the log is told
      }
    }
    return Promise.all([...this.#attached.values()].map(tell))
  }

  /** @returns the gate as it is there now */
  find(gate: number): GateChannel | undefined {
    return this.#attached.get(gate)?.channel
  }

  /** Its channel is closed: whoever has its key has nobody to say it to. */
  drop(channel: GateChannel): void {
    channel.isRevoked = true
    const attached = this.#attached.get(channel.gate)
    if (attached?.channel !== channel) return // the supervisor has put another in its place
    setImmediate(() => attached.peer.close()) // what it is refused with leaves first
  }

  entries(): IdentityEntry[] {
    return [...this.#attached.values()].flatMap(({ channel: { gate, issued, isRevoked } }) =>
      issued === undefined
        ? []
        : [
            {
              of: { kind: 'gate' as const, gate },
              id: issued.id,
              key: issued.key,
              certificate: issued.certificate.toString('base64'),
              protection: IN_MEMORY,
              notAfter: issued.endsAtMs,
              revoked: isRevoked,
            },
          ],
    )
  }

  /** @param peer whose they are */
  #handlers(channel: GateChannel, peer: () => GatePeer): Handlers<typeof gateToKeyholder> {
    const { contents, keyholder, recordings } = this.#parts
    const own = (session: string): Promise<void> => this.#checkOwn(channel, session)
    return {
      identify: (asked) => this.#identify(channel, asked),
      record: (asked) => this.#record(channel, asked, peer()),
      tell: (asked) => this.#told.take(channel, asked),
      certify: async ({ session, host, spki }) => {
        await own(session)
        const { certificate, notAfter } = keyholder.certify(session, host, spki)
        return { certificate: certificate.toString('base64'), notAfter: notAfter.getTime() }
      },
      'blob.put': async (piece) => {
        await own(piece.session)
        return { digest: await contents.put(piece) }
      },
      'recording.put': async (put) => {
        await own(put.session)
        return recordings.put(put)
      },
      'blob.name': async ({ session, of, sha256 }) => {
        await own(session)
        const name =
          of === null
            ? contents.nameOf(session, sha256)
            : contents.nameOfRestored(session, of, sha256)
        return { digest: name }
      },
      'blob.get': async (asked) => {
        await own(asked.session)
        return contents.get(asked)
      },
    }
  }

  async #identify(
    channel: GateChannel,
    asked: z.infer<(typeof gateToKeyholder)['identify']['params']>,
  ): Promise<z.infer<(typeof gateToKeyholder)['identify']['result']>> {
    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)
    const key = channel.check(asked)
    if (isConflict(key)) throw await this.#conflict(channel, key)
    const { identities, log } = this.#parts.keyholder
    const of = { kind: 'gate', gate: channel.gate } as const
    if (!identities.claimKey(key.keyId)) {
      const detail = `gate ${channel.gate} came with key ${key.keyId}, which was another’s`
      throw await this.#conflict(channel, { of, kind: 'duplicate-key', detail })
    }
    const reason = channel.key === undefined ? 'start' : 'schedule'
    channel.adopt(key)
    // a root elsewhere may have to be unlocked first; else this stands before what the key signs
    if (!identities.authority.isReady) await identities.authority.whenReady()
    const issued = identities.svids.forGate(channel.gate, key)
    channel.certified(issued)
    const certificate = issued.certificate.toString('base64')
    const { id, renewAtMs: renewAt } = issued
    const { endorsed } = asked
    await log.append({
      type: 'identity.issued',
      of,
      id,
      key: key.keyId,
      certificate,
      reason,
      endorsed,
    } satisfies LeafInput)
    return { id, certificate, renewAt }
  }

  /**
   * A gate tells of actions, of those that wait for people, of the limits that it holds itself, and
   * of what its detectors found: it cannot speak for the platform or a session.
   */
  async #record(
    channel: GateChannel,
    { leaf, credentials: names, seq }: Asked,
    peer: object,
  ): Promise<{ index: number; credentials: Record<string, string> }> {
    const session = 'session' in leaf ? leaf.session : null
    if (session === null) throw violation(`a gate records no ${leaf.type}`)
    // else what stands behind its last word could still bring other sessions into conflict
    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)
    // in this turn: what comes behind has its number looked at after this one
    const conflict = channel.take(session, seq)
    if (conflict !== undefined) throw await this.#conflict(channel, conflict)
    const foreign = this.#foreign(channel, session)
    if (foreign !== undefined) throw await this.#conflict(channel, foreign)
    if (leaf.type === 'action.intent') {
      const { index, credentials } = await this.#parts.keyholder.recordIntent(leaf, names)
      const values = [...credentials].map(([name, secret]) => [name, secret.reveal()] as const)
      return { index, credentials: Object.fromEntries(values) }
    }
    if (names.length > 0) throw violation(`${leaf.type} takes no credentials`)
    const recorded = this.#recordHold(leaf, peer) ?? this.#recordOfSession(leaf)
    return { index: await recorded, credentials: {} }
  }

  async #checkOwn(channel: GateChannel, session: string): Promise<void> {
    const foreign = this.#foreign(channel, session)
    if (foreign !== undefined) throw await this.#conflict(channel, foreign)
    this.#parts.keyholder.running(session) // nothing for one that is revoked
  }

  /** @throws SekishoError IDENTITY_REVOKED, SESSION_UNKNOWN */
  #foreign(channel: GateChannel, session: string): Conflict | undefined {
    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)
    return channel.foreign(this.#parts.keyholder.sessions.present(session))
  }

  /** The gate that it came from has spoken for the last time. */
  async #conflict(channel: GateChannel, ...conflicts: readonly Conflict[]): Promise<SekishoError> {
    channel.isRevoked = true
    try {
      const { keyholder } = this.#parts
      const raised = conflicts.map((conflict) => keyholder.conflict(conflict, channel.gate))
      const [error] = await Promise.all(raised)
      return error ?? revokedError(`gate ${channel.gate}`)
    } finally {
      this.drop(channel)
    }
  }

  /** @returns undefined for a leaf about anything else */
  #recordHold(leaf: LeafInput, gate: object): Promise<number> | undefined {
    if (leaf.type !== 'action.held' && leaf.type !== 'approval.ended') return undefined
    const { approvals, sessions } = this.#parts.keyholder
    if (leaf.type === 'approval.ended') {
      sessions.present(leaf.session)
      return approvals.end(leaf)
    }
    const { began } = sessions.running(leaf.session)
    if (began === undefined) throw violation('nobody knows who began this session')
    return approvals.open(leaf, { uid: began.uid, opener: gate })
  }

  async #recordOfSession(leaf: LeafInput): Promise<number> {
    const { keyholder, contents } = this.#parts
    if (leaf.type === 'limit.breach' && GATE_LIMITS.has(leaf.limit)) {
      return keyholder.recordOfSession(leaf)
    }
    if (leaf.type === 'alert' && leaf.rule.startsWith('detect.')) return this.#recordAlert(leaf)
    if (leaf.type !== 'action.preimage') throw violation(`a gate records no ${leaf.type}`)
    contents.checkPreImage(leaf)
    return keyholder.recordOfSession(leaf)
  }

  #recordAlert(leaf: Extract<LeafInput, { type: 'alert' }>): Promise<number> {
    if (leaf.rule.startsWith('detect.canary.')) {
      this.#parts.tellCanary({ session: leaf.session, detail: leaf.subject })
    }
    return this.#parts.keyholder.recordOfSession(leaf)
  }
}

/** The log is down, and with it everything; what waited is over all the same. */
function unrecorded(error: unknown): void {
  process.stderr.write(`keyholder: the end of a hold is not in the log: ${String(error)}\n`)
}
