import { isValidAt } from '../x509/chain.ts'
import { SKEW_MS } from './authorities.ts'
import { compare, type Compared } from './completeness.ts'
import { type Leaf, member, text } from './fields.ts'
import { Figures } from './figures.ts'
import { ModelCalls } from './model-calls.ts'
import type { Finding, Findings } from './findings.ts'
import type { Identities, IssuedKey } from './identities.ts'
import { readSignature } from './leaf-signature.ts'
import { isSignedType } from './leaf-types.ts'
import { signedLeafBytes } from './signed-bytes.ts'
import type { SignatureQueue } from './signature-queue.ts'
import { type ReplayedState, startedState, stateAfter, whyNotStamp } from './states.ts'

/** What one session comes to. */
export type SessionReport = {
  session: string
  agent: string
  /** indexes of its start, and of its end or the gap in its place; null while it is open */
  start: number
  end: number | null
  phase: ReplayedState['phase']
  /** what its leaves come to, by name */
  figures: Record<string, number>
  /** of a session that ended: how its counters stand to its leaves */
  compared: Compared[]
}

/** A leaf as it stands in the log. */
export type Placed = { index: number; leaf: Leaf; bytes: Buffer }

export type Books = { identities: Identities; queue: SignatureQueue; findings: Findings }

/** One session of a log while it is open: its key, its state and its figures. */
export class SessionAudit {
  readonly #books: Books
  readonly #session: string
  readonly #startIndex: number
  readonly #start: Leaf
  readonly #figures = new Figures()
  readonly #calls = new ModelCalls()
  #key: IssuedKey | undefined
  #state: ReplayedState
  /**
   * Once a leaf that its own key signed says that the key is taken back, nobody signs for it. An
   * `identity.revoked` does not say so: whoever has the log's key can write one.
   */
  #isRevoked = false
  /** a chain that is broken stays so; the first place is the one to look at */
  #isChained = true
  #end: number | null = null
  #compared: Compared[] = []

  constructor(start: Placed, books: Books) {
    const { index, leaf } = start
    this.#books = books
    this.#session = text(leaf, 'session') ?? ''
    this.#startIndex = index
    // what later leaves of it are held against, and no more: a session may stay open for long
    const { agent, session, configuration } = leaf
    this.#start = { agent, session, configuration }
    this.#key = books.identities.started(index, leaf)
    this.#state = startedState(leaf)
    this.#stamp(start, { before: undefined, after: this.#state })
    this.#signature(start)
    this.#figures.take(leaf)
  }

  /** Takes a leaf of the open session. @returns whether it ends it */
  take(placed: Placed): boolean {
    const { index, leaf } = placed
    this.#signature(placed)
    if (leaf['type'] === 'identity.issued') this.#rekey(index, leaf)
    if (isRevocation(leaf)) this.#isRevoked = true
    const wrong = this.#calls.take(leaf)
    if (wrong !== undefined) this.#find(index, 'model-call', wrong)
    const ends = this.#advance(placed)
    if (leaf['type'] === 'session.end') this.#reconcile(index, leaf)
    else this.#figures.take(leaf)
    if (ends) this.#end = index
    return ends
  }

  report(): SessionReport {
    return {
      session: this.#session,
      agent: text(this.#start, 'agent') ?? '',
      start: this.#startIndex,
      end: this.#end,
      phase: this.#state.phase,
      figures: this.#figures.toRecord(),
      compared: this.#compared,
    }
  }

  #rekey(index: number, leaf: Leaf): void {
    if (this.#key === undefined) return // its start was found wrong already
    const before = { key: this.#key, start: this.#start }
    this.#key = this.#books.identities.rekeyed(index, leaf, before) ?? this.#key
    this.#isRevoked = false
  }

  /** @returns whether the session is over */
  #advance(placed: Placed): boolean {
    const before = this.#state
    const after = stateAfter(before, placed.leaf)
    if (typeof after === 'string') {
      this.#find(placed.index, 'state', after)
      return false
    }
    if (after === undefined) {
      if (placed.leaf['state'] !== undefined) {
        this.#find(placed.index, 'state', 'a state where none changes')
      }
      return false
    }
    this.#state = after
    // recovery writes the gap of a session whose state it does not know
    if (after.phase !== 'lost') this.#stamp(placed, { before, after })
    return after.phase === 'ended' || after.phase === 'lost'
  }

  #stamp(
    { index, leaf }: Placed,
    states: { before: ReplayedState | undefined; after: ReplayedState },
  ): void {
    const wrong = whyNotStamp(member(leaf, 'state'), states)
    if (wrong === undefined || !this.#isChained) return
    this.#isChained = false
    this.#find(index, 'state', wrong)
  }

  #signature({ index, leaf, bytes }: Placed): void {
    const signature = member(leaf, 'sig')
    if (signature === undefined) {
      if (isSignedType(text(leaf, 'type') ?? '') && !this.#isRevoked) {
        this.#find(index, 'signature', 'it is not signed by its session')
      }
      return
    }
    const key = this.#key
    if (key === undefined) return // its start was found wrong already
    const wrong = this.#whyNotKey(index, leaf, key)
    if (wrong !== undefined) return this.#find(index, 'signature', wrong)
    const signed = readSignature(signature, signedLeafBytes(leaf, bytes))
    if (signed === undefined) return this.#find(index, 'signature', 'no signature')
    const reason = 'its session’s signature does not fit: the leaf is not what was signed'
    this.#books.queue.push(
      { point: key.point, ...signed },
      { index, kind: 'signature', session: this.#session, reason },
    )
  }

  #whyNotKey(index: number, leaf: Leaf, key: IssuedKey): string | undefined {
    const by = text(member(leaf, 'sig'), 'by')
    if (this.#isRevoked) return 'signed for a session whose key was taken back'
    if (by !== key.id) return `signed by ${by}, which is not the session’s key`
    const revokedAt = this.#books.identities.revokedAt(key.id)
    if (revokedAt !== undefined && revokedAt < index) {
      return `signed by a key that leaf ${revokedAt} took back`
    }
    const at = Date.parse(text(leaf, 'at') ?? '')
    return isValidAt(key.certificate, at, SKEW_MS)
      ? undefined
      : 'signed by a key whose certificate is not valid at its time'
  }

  #reconcile(index: number, leaf: Leaf): void {
    this.#compared = compare(member(leaf, 'counters') ?? {}, this.#figures)
    for (const compared of this.#compared) {
      if (compared.kind !== 'unequal') continue
      const { equation, counted, recorded } = compared
      const reason = `${equation}: ${counted} were counted, the leaves come to ${recorded}`
      this.#add({ index, kind: 'completeness', session: this.#session, reason, counted, recorded })
    }
  }

  #find(index: number, kind: Finding['kind'], reason: string): void {
    this.#add({ index, kind, session: this.#session, reason })
  }

  #add(finding: Finding): void {
    this.#books.findings.add(finding)
  }
}

/** The last leaf that the key signs; without that signature it takes nothing back. */
function isRevocation(leaf: Leaf): boolean {
  return (
    leaf['type'] === 'session.state' &&
    leaf['trigger'] === 'revoke' &&
    member(leaf, 'sig') !== undefined
  )
}
