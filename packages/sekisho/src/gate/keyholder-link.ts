import type * as z from 'zod'
import type { Action } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import type { RecordedFinding } from '../core/finding.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Recorder } from '../flow/ports.ts'
import { ClaimKey } from './claim-key.ts'
import type { EgressBreach } from './egress-meter.ts'
import { gateToKeyholder, keyholderToGate } from '../wire/keyholder.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { VerdictShape } from '../wire/schemas.ts'

type ContentPiece = z.infer<(typeof gateToKeyholder)['blob.put']['params']>

/** A disk that does not answer within this stops the action. */
const RECORD_TIMEOUT_MS = 10_000
const CERTIFY_TIMEOUT_MS = 5_000
/**
 * Nothing waits for an outcome: its reply has left. Held back this long it mostly travels, and is
 * flushed to the disk, together with the next intent. If the gate dies meanwhile it is a gap leaf.
 */
const OUTCOME_WAIT_MS = 2
/** Between two keys of this gate, whatever the clocks say; the most that a timer takes is 24 days. */
const MIN_RENEWAL_MS = 60_000
const MAX_RENEWAL_MS = 7 * 24 * 3_600_000

type KeyholderPeer = Peer<typeof gateToKeyholder, typeof keyholderToGate>

/**
 * The gate's one way to the keyholder. Without a live peer every call rejects with
 * PEER_UNAVAILABLE, so nothing is recorded and nothing leaves.
 */
export class KeyholderLink {
  #peer: KeyholderPeer | undefined
  #key: ClaimKey | undefined
  #renewal: NodeJS.Timeout | undefined
  /** Unix ms; no timer tells of it where the clock went on by hours, as when a machine wakes up */
  #renewAtMs = Infinity
  /** over all sessions: rising for each of them */
  #seq = 0
  readonly #downListeners = new Set<() => void>()
  readonly #unknown: () => void

  /**
   * @param unknown called when a keyholder that is there does not take this gate's key: nobody
   *   attaches that one again, so nothing would ever be recorded
   */
  constructor(unknown: () => void = () => undefined) {
    this.#unknown = unknown
  }

  /**
   * Takes the place of the peer before it, whose pending calls then fail. A key is made for it: the
   * keyholder knows this gate by that from its first record on.
   *
   * @param revoked closes what a session has here; the keyholder is told when it has resolved
   */
  attach(transport: Transport, revoked: (session: string) => Promise<void>): void {
    const before = this.#peer
    const peer: KeyholderPeer = new Peer('keyholder', transport, {
      out: gateToKeyholder,
      in: keyholderToGate,
      handlers: {
        'session.revoked': async ({ session }) => {
          await revoked(session)
          return {}
        },
      },
    })
    this.#peer = peer
    peer.onClose(() => this.#tellDown())
    before?.close()
    this.#key = undefined
    this.#identify(peer)
  }

  /** Not waited for: what is recorded meanwhile comes behind it, and is checked by it. */
  #identify(peer: KeyholderPeer): void {
    clearTimeout(this.#renewal)
    this.#renewAtMs = Infinity
    const key = new ClaimKey()
    const asked = peer.call('identify', key.toCertify(this.#key), { timeoutMs: Infinity })
    this.#key = key
    asked.then(
      ({ renewAt }) => {
        if (peer !== this.#peer) return
        const inMs = Math.min(Math.max(renewAt - Date.now(), MIN_RENEWAL_MS), MAX_RENEWAL_MS)
        this.#renewAtMs = Date.now() + inMs
        this.#renewal = setTimeout(() => this.#identify(peer), inMs)
        this.#renewal.unref()
      },
      () => {
        if (peer.closed) return // gone, and with it the question
        peer.close() // a gate that nobody knows records nothing, so nothing leaves
        this.#unknown()
      },
    )
  }

  /**
   * Tells once that the keyholder which is there now is gone, and with it what it knew.
   *
   * @returns a function that calls it off
   */
  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener)
    return () => this.#downListeners.delete(listener)
  }

  #tellDown(): void {
    const listeners = [...this.#downListeners]
    this.#downListeners.clear()
    for (const listener of listeners) listener()
  }

  get isUp(): boolean {
    return this.#peer !== undefined && !this.#peer.closed
  }

  close(): void {
    clearTimeout(this.#renewal)
    this.#peer?.close()
  }

  /** @throws SekishoError PEER_UNAVAILABLE, TIMEOUT, LOG_UNWRITABLE or what the keyholder answered */
  async record(leaf: LeafInput, credentials: readonly string[]): Promise<Record<string, string>> {
    const peer = this.#live()
    if (this.#renewAtMs <= Date.now()) this.#identify(peer)
    const params = { leaf: this.#claimed(leaf), credentials: [...credentials], seq: ++this.#seq }
    const mayWaitMs = leaf.type === 'action.outcome' ? OUTCOME_WAIT_MS : 0
    const options = { timeoutMs: RECORD_TIMEOUT_MS, mayWaitMs }
    const done = await peer.call('record', params, options)
    return done.credentials
  }

  /** Outcomes are signed: nobody else can have told them. Their replies have left. */
  #claimed(leaf: LeafInput): LeafInput {
    if (leaf.type !== 'action.outcome' || this.#key === undefined) return leaf
    return { ...leaf, claim: this.#key.claim(leaf) }
  }

  /**
   * @param spki DER of the public key to certify
   * @returns DER of a certificate for the host, by the session's own CA
   */
  async certify(session: string, host: string, spki: Buffer): Promise<Buffer> {
    const params = { session, host, spki: spki.toString('base64') }
    const done = await this.#live().call('certify', params, { timeoutMs: CERTIFY_TIMEOUT_MS })
    return Buffer.from(done.certificate, 'base64')
  }

  /** One piece of content that is to be kept. @returns null until the last. @throws as `record` */
  async putContent(piece: ContentPiece): Promise<string | null> {
    return (await this.#live().call('blob.put', piece, { timeoutMs: RECORD_TIMEOUT_MS })).digest
  }

  /** The digest that content would be kept under. @throws as `record` */
  async nameContent(asked: {
    session: string
    of: string | null
    sha256: string
  }): Promise<string> {
    return (await this.#live().call('blob.name', asked, { timeoutMs: RECORD_TIMEOUT_MS })).digest
  }

  /** One piece of what was kept. @throws as `record`, CONTENT_LOST */
  getContent(asked: {
    session: string
    of: string
    digest: string
    offset: number
  }): Promise<{ totalBytes: number; piece: string }> {
    return this.#live().call('blob.get', asked, { timeoutMs: RECORD_TIMEOUT_MS })
  }

  #live(): KeyholderPeer {
    if (this.#peer !== undefined) return this.#peer
    throw new SekishoError('PEER_UNAVAILABLE', 'the keyholder is not attached yet')
  }
}

export type SessionRecorder = Recorder & {
  /** @throws as {@link KeyholderLink.record} */
  breach(breach: EgressBreach): Promise<void>
  /** Resolves when every outcome and breach handed over so far is recorded or lost; bounded, never rejects. */
  settled(): Promise<void>
}

/** The log as the checkpoint sees it: leaves of one session. */
export function recorderFor(
  session: string,
  link: KeyholderLink,
  /** the denial that it is about is in the log all the same */
  alertLost: () => void,
): SessionRecorder {
  const waiting = new Set<Promise<unknown>>()
  const recordWithoutWaiting = async (leaf: LeafInput): Promise<void> => {
    const recorded = link.record(leaf, [])
    waiting.add(recorded)
    try {
      await recorded
    } finally {
      waiting.delete(recorded)
    }
  }
  return {
    intent: async ({ id, action, verdict, credentials, findings, uninspected, ...rest }) => {
      const leaf: LeafInput = {
        type: 'action.intent',
        session,
        id,
        action: action.kind === 'process.syscall' ? { ...action, args: [...action.args] } : action,
        verdict: verdictShape(verdict),
        credentials: [...credentials],
        repeated: rest.repeated,
        ...(rest.generation === undefined ? {} : { generation: rest.generation }),
        ...(rest.facts === undefined ? {} : { facts: rest.facts }),
        ...(rest.hold === undefined ? {} : { hold: rest.hold }),
        ...(findings === undefined ? {} : { findings: [...findings] }),
        ...(uninspected === undefined ? {} : { uninspected }),
      }
      const values = await link.record(leaf, credentials)
      for (const detector of alarming(findings)) {
        recordWithoutWaiting(alertOf(session, id, { detector, action })).catch(alertLost)
      }
      return new Map(Object.entries(values))
    },
    outcome: async (id, outcome) => {
      const done = outcome.kind === 'refused' ? { ...outcome, rules: [...outcome.rules] } : outcome
      await recordWithoutWaiting({ type: 'action.outcome', session, id, outcome: done })
    },
    breach: (breach) =>
      recordWithoutWaiting({ type: 'limit.breach', session, ...breach, did: 'refused' }),
    settled: async () => {
      await Promise.allSettled(waiting)
    },
  }
}

function verdictShape(verdict: Verdict): z.infer<typeof VerdictShape> {
  const rules = [...verdict.rules]
  if (verdict.kind === 'allow') return { kind: 'allow', rules }
  const { kind, reason } = verdict
  if (kind === 'deny' || verdict.needs === undefined) return { kind, rules, reason }
  return { kind, rules, reason, needs: [...verdict.needs] }
}

/** Nothing honest carries these away: a secret of the platform, or a canary. */
function alarming(findings: readonly RecordedFinding[] = []): readonly string[] {
  const names = findings.map(({ detector }) => detector)
  return [...new Set(names)].filter((name) => /^(?:platform|canary)\./.test(name))
}

function alertOf(
  session: string,
  about: string,
  { detector, action }: { detector: string; action: Action },
): LeafInput {
  const to = 'host' in action && action.host !== null ? action.host : action.kind
  return {
    type: 'alert',
    session,
    rule: `detect.${detector}`.slice(0, 128),
    severity: 'high',
    subject: `${detector} on its way to ${to}`,
    about,
  }
}
