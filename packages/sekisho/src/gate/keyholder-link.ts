import type * as z from 'zod'
import { SekishoError } from '../core/error.ts'
import { ClaimKey } from './claim-key.ts'
import { gateToKeyholder, keyholderToGate } from '../wire/keyholder.ts'
import { errorFromWire, Peer, type Transport } from '../wire/peer.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { type Told, Telling } from './telling.ts'

type ContentPiece = z.infer<(typeof gateToKeyholder)['blob.put']['params']>
type RecordingPiece = z.infer<(typeof gateToKeyholder)['recording.put']['params']>
type RecordingAnswer = z.infer<(typeof gateToKeyholder)['recording.put']['result']>

/** A disk that does not answer within this stops the action. */
const RECORD_TIMEOUT_MS = 10_000
const CERTIFY_TIMEOUT_MS = 5_000
/** Nobody waits for a model's reply to be kept: held back this long it mostly travels with an intent. */
const REPLY_WAIT_MS = 2
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
  readonly #telling = new Telling((leaves, mayWaitMs) => this.#tell(leaves, mayWaitMs))
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
    this.#telling.flush() // to whom it was meant for
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
  async record(
    leaf: Exclude<LeafInput, Told>,
    credentials: readonly string[],
  ): Promise<Record<string, string>> {
    const params = { leaf, credentials: [...credentials], seq: ++this.#seq }
    const done = await this.#live().call('record', params, { timeoutMs: RECORD_TIMEOUT_MS })
    return done.credentials
  }

  /** Nobody waits for it: it leaves within 2 ms, with others. @throws as {@link record} */
  tell(leaf: Told): Promise<void> {
    return this.#telling.add(leaf)
  }

  /** What was told so far leaves now. */
  flush(): void {
    this.#telling.flush()
  }

  /** Outcomes are signed: nobody else can have told them. */
  async #tell(leaves: readonly Told[], mayWaitMs: number): Promise<(SekishoError | undefined)[]> {
    const peer = this.#live()
    if (this.#renewAtMs <= Date.now()) this.#identify(peer)
    const outcomes = leaves.filter(({ type }) => type === 'action.outcome')
    const claim = outcomes.length === 0 ? null : (this.#key?.claim(outcomes) ?? null)
    const params = { leaves: [...leaves], claim, seq: ++this.#seq }
    const { told } = await peer.call('tell', params, { timeoutMs: RECORD_TIMEOUT_MS, mayWaitMs })
    return leaves.map((_, at) => {
      const done = told[at]
      return typeof done === 'number' ? undefined : errorFromWire('keyholder', done)
    })
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

  /** One piece of a model call's side. @throws as `record`, CONTENT_UNKEPT */
  putRecording(piece: RecordingPiece): Promise<RecordingAnswer> {
    const mayWaitMs = piece.side === 'reply' ? REPLY_WAIT_MS : 0
    return this.#live().call('recording.put', piece, { timeoutMs: RECORD_TIMEOUT_MS, mayWaitMs })
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
