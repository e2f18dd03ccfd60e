import type * as z from 'zod'
import type { SekishoError } from '../core/error.ts'
import type { LeafSignature } from '../wire/identity.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { errorToWire } from '../wire/peer.ts'
import type { tell } from '../wire/tell.ts'
import type { Conflict, GateChannel, GatePublicKey } from './identity/gate-channel.ts'
import { revokedError } from './identity/keyed-sessions.ts'
import type { Keyholder } from './keyholder.ts'
import type { Recordings } from './recordings/recordings.ts'
import { violation } from './session.ts'

type Leaf<Type extends LeafInput['type']> = Extract<LeafInput, { type: Type }>
type Told = Leaf<'action.outcome' | 'llm.call'>
type Asked = z.infer<(typeof tell)['params']>
type Answer = z.infer<(typeof tell)['result']>

export type ToldLeavesParts = {
  keyholder: Pick<Keyholder, 'recordOutcome' | 'recordCall' | 'sessions'>
  recordings: Pick<Recordings, 'checkCall'>
  /** refuses the gate from this turn on; resolves with what it is refused with once that is durable */
  refuse: (channel: GateChannel, conflicts: readonly Conflict[]) => Promise<SekishoError>
}

/** What gates tell of actions that are over: all of a message under one signature, each for itself. */
export class ToldLeaves {
  readonly #parts: ToldLeavesParts

  constructor(parts: ToldLeavesParts) {
    this.#parts = parts
  }

  /** @throws SekishoError IDENTITY_CONFLICT, IDENTITY_REVOKED, PROTOCOL_VIOLATION: for all of them */
  async take(channel: GateChannel, { leaves, claim, seq }: Asked): Promise<Answer> {
    const told = leaves.map(toldOf)
    // else what stands behind its last word could still bring other sessions into conflict
    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)
    // in this turn: what comes behind has its number looked at after this one
    const repeated = channel.take(told[0]?.session ?? '', seq)
    if (repeated !== undefined) throw await this.#parts.refuse(channel, [repeated])
    // and by the key of this turn: the next one may come in the same read, which is no conflict
    const { key } = channel
    await behindFlush()
    if (channel.isRevoked) throw revokedError(`gate ${channel.gate}`)
    const claims = this.#check(channel, told, { claim, key })
    if ('conflicts' in claims) throw await this.#parts.refuse(channel, claims.conflicts)
    const done = told.map((leaf, at) => this.#record(leaf, claims.of[at]))
    const ends = await Promise.allSettled(done)
    return {
      told: ends.map((end) => (end.status === 'fulfilled' ? end.value : errorToWire(end.reason))),
    }
  }

  /** @returns the claim of each that has one, or for each session that was spoken for wrongly what is so */
  #check(
    channel: GateChannel,
    told: readonly Told[],
    { claim, key }: { claim: Asked['claim']; key: GatePublicKey | undefined },
  ): { of: (LeafSignature | undefined)[] } | { conflicts: Conflict[] } {
    const sessions = [...new Set(told.map(({ session }) => session))]
    const { keyholder } = this.#parts
    const foreign = sessions.flatMap((id) => {
      const session = keyholder.sessions.find(id) // of none that is there its leaf is refused
      return session === undefined ? [] : (channel.foreign(session) ?? [])
    })
    if (foreign.length > 0) return { conflicts: foreign }
    const outcomes = told.filter((leaf) => leaf.type === 'action.outcome')
    const claims = channel.claimsOf(outcomes, claim, key)
    if ('wrong' in claims) {
      const detail = `what gate ${channel.gate} told of ${outcomes.length} outcomes ${claims.wrong}`
      const of = [...new Set(outcomes.map(({ session }) => session))]
      return {
        conflicts: of.map((session) => ({
          of: { kind: 'session', session },
          kind: 'bad-signature',
          detail,
        })),
      }
    }
    const next = claims.values()
    return { of: told.map(({ type }) => (type === 'llm.call' ? undefined : next.next().value)) }
  }

  async #record(leaf: Told, claim: LeafSignature | undefined): Promise<number> {
    const { keyholder, recordings } = this.#parts
    if (leaf.type === 'action.outcome') return keyholder.recordOutcome({ ...leaf, claim })
    recordings.checkCall(leaf) // in this turn: the outcome that comes behind ends the call
    return keyholder.recordCall(leaf)
  }
}

/** Claims are made here, of one signature over all of them. */
function toldOf(leaf: LeafInput): Told {
  if (leaf.type === 'llm.call') return leaf
  if (leaf.type !== 'action.outcome') throw violation(`a gate tells no ${leaf.type}`)
  if (leaf.claim !== undefined) throw violation('an outcome with a claim of its own')
  return leaf
}

/**
 * Resolves when the log has written what the other messages of this turn have queued: an action waits
 * for its intent, and for an outcome nobody does. The log's own callback stands before this one.
 */
function behindFlush(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => setImmediate(resolve))
  })
}
