import { SekishoError } from '../../core/error.ts'
import { eventOf, type StateLeaf } from '../../lifecycle/leaf-event.ts'
import { nextState, type SessionState, stampOf } from '../../lifecycle/session-state.ts'
import type { StartIdentity } from '../../wire/audit-leaves.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { LeafSigner } from '../log/leaf-text.ts'
import { IN_MEMORY, type SessionIdentity } from './svids.ts'

/** What a session's own key signs while it has one. */
const SIGNED: ReadonlySet<LeafInput['type']> = new Set<LeafInput['type']>([
  'session.start',
  'session.end',
  'session.state',
  'action.intent',
  'action.outcome',
  'action.held',
  'action.preimage',
  'llm.call',
  'process.exec',
  'limit.breach',
  'budget.breaker',
  'alert',
])

/** @see eventOf: what this process writes itself of them */
const CHANGES: ReadonlySet<string> = new Set<StateLeaf['type']>([
  'session.start',
  'session.state',
  'session.contained',
  'identity.issued',
  'session.end',
])

type StampedLeaf = {
  leaf: object
  signer: LeafSigner | undefined
  /** the state that it has moved the session to; undefined for none */
  state: SessionState | undefined
}

/** Who a session is, and where it stands: what the keyholder adds to its leaves. */
export class Standing {
  #identity: SessionIdentity | undefined
  /** until the log has the one that follows it */
  #before: SessionIdentity | undefined
  #state: SessionState | undefined
  #durable: SessionState | undefined
  #isRevoked: boolean
  #isUnsure = false

  /** @param state of one that is resumed, as the log has it */
  constructor(identity: SessionIdentity | undefined, state?: SessionState) {
    this.#identity = identity
    this.#state = state
    this.#durable = state
    this.#isRevoked = state?.phase === 'revoked'
  }

  /** undefined once it is revoked, or over */
  get identity(): SessionIdentity | undefined {
    return this.#identity
  }

  get state(): SessionState | undefined {
    return this.#state
  }

  /** The last state that the log has for certain; undefined before its start is durable. */
  get durable(): SessionState | undefined {
    return this.#durable
  }

  get isRevoked(): boolean {
    return this.#isRevoked
  }

  /** Whether a change was turned away that may be in the log all the same. */
  get isUnsure(): boolean {
    return this.#isUnsure
  }

  /** From here on its leaves are signed by this key. */
  adopt(identity: SessionIdentity): void {
    this.#before = this.#identity
    this.#identity = identity
  }

  /** The log has the new key: the one before is gone. */
  confirm(): void {
    this.#before = undefined
  }

  /** Whoever asks is refused from here on; its key has one thing left to say. */
  refuse(): void {
    this.#isRevoked = true
  }

  /** Nothing is signed by its key any more; it is gone. */
  revoke(): void {
    this.refuse()
    this.forget()
  }

  /** It has ended: its key is gone with it. */
  forget(): void {
    this.#identity = undefined
    this.#before = undefined
  }

  /** The leaf that has led to this state is durable. */
  recorded(state: SessionState): void {
    this.#durable = state
  }

  doubt(): void {
    this.#isUnsure = true
  }

  /** What the log says after a doubt. */
  correct(state: SessionState): void {
    this.#state = state
    this.#durable = state
    this.#isUnsure = false
    if (this.#before?.key === state.identity) this.#identity = this.#before
    this.#before = undefined
  }

  /**
   * Adds the identity to a start leaf, and to a leaf that changes the session's state the hashes of
   * the state before and after; from here on it is in that state.
   *
   * @throws SekishoError PROTOCOL_VIOLATION for a change that this state does not have
   */
  stamp(leaf: LeafInput): StampedLeaf {
    const signer = SIGNED.has(leaf.type) ? this.#identity?.signer : undefined
    const whole: WholeLeaf = leaf.type === 'session.start' ? this.#withIdentity(leaf) : leaf
    const event = isStateLeaf(whole) ? eventOf(whole) : undefined
    if (event === undefined) return { leaf: whole, signer, state: undefined }
    const before = this.#state
    const next = nextState(before, event)
    if (next.kind === 'illegal') throw new SekishoError('PROTOCOL_VIOLATION', next.reason)
    this.#state = next.state
    const { state } = next
    return { leaf: { ...whole, state: stampOf(before, state) }, signer, state }
  }

  #withIdentity(leaf: StartLeaf): StartLeaf & { identity: StartIdentity } {
    const identity = this.#identity
    if (identity === undefined) {
      throw new SekishoError('PROTOCOL_VIOLATION', 'a session begins with an identity')
    }
    const { id, key, certificate } = identity
    const stated = { id, key, certificate: certificate.toString('base64'), protection: IN_MEMORY }
    return { ...leaf, identity: stated }
  }
}

type StartLeaf = Extract<LeafInput, { type: 'session.start' }>
type WholeLeaf = Exclude<LeafInput, StartLeaf> | (StartLeaf & { identity: StartIdentity })

function isStateLeaf(leaf: WholeLeaf): leaf is Extract<WholeLeaf, StateLeaf> {
  return CHANGES.has(leaf.type)
}
