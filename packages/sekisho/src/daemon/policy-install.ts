import type * as z from 'zod'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import type { PolicyInstall } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { supervisorToGate } from '../wire/gate.ts'
import type { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Peer, Protocol } from '../wire/peer.ts'
import { readPolicyFile, writePolicyFile } from './policy-file.ts'

type GatePeer = Peer<typeof supervisorToGate, Protocol>
type KeyholderPeer = Peer<typeof supervisorToKeyholder, Protocol>
type PolicySet = z.infer<(typeof supervisorToKeyholder)['policy.set']['params']>

/** A gate that has not compiled a generation by then is stuck. */
const GATE_INSTALL_TIMEOUT_MS = 5_000
/** One swap of a reference, and streams that are closed. */
const SESSION_POLICY_TIMEOUT_MS = 5_000

/** A session, as far as what it is decided by goes. */
export type Decided = {
  id: string
  /** index of its gate; undefined before it has one */
  gate: number | undefined
  decision: SessionDecision
  /** @returns how many of its streams were closed. @throws SekishoError when its gate does not answer */
  decide(decision: SessionDecision, timeoutMs: number): Promise<number>
}

export type InstallOptions = {
  gates: {
    /** those that are up */
    live(): readonly { index: number; peer: GatePeer }[]
    /** ends the process; it is started again and wired anew */
    kill(index: number): void
  }
  /** @throws SekishoError PEER_UNAVAILABLE while it is down */
  keyholder: () => KeyholderPeer
  sessions: () => readonly Decided[]
  record: (leaf: LeafInput) => Promise<unknown>
  /** where the bundle in force is kept */
  file: string
  warn: (line: string) => void
}

/**
 * Puts generations of the bundle in force: first every gate has it, then the log says so, then the
 * keyholder checks by it, then each session is decided by it. What a generation says is control's
 * and the gates' business; here it is only handed on.
 */
export class PolicyInstaller {
  readonly #options: InstallOptions
  #last: PolicyInstall | undefined
  readonly #line = new OneAtATime()

  constructor(options: InstallOptions) {
    this.#options = options
  }

  /** Nobody vouches for what is in force. */
  get isUnsigned(): boolean {
    return this.#last !== undefined && this.#last.signers.length === 0
  }

  /** What is in force, with the sessions of that moment. */
  get inForce(): PolicyInstall | undefined {
    return this.#last
  }

  /**
   * @throws SekishoError when a gate refuses the generation or the log cannot be written: then the
   * one before it goes on everywhere
   */
  install(next: PolicyInstall): Promise<{ closed: number }> {
    return this.exclusively(() => this.#install(next))
  }

  /** No generation comes into force meanwhile. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#line.run(work)
  }

  async #install(next: PolicyInstall): Promise<{ closed: number }> {
    const running = this.#last?.bundle.generation ?? 0
    if (next.bundle.generation <= running) {
      throw new SekishoError('PROTOCOL_VIOLATION', `generation ${running} is in force already`)
    }
    const late = await this.#prepare(next)
    writePolicyFile(this.#options.file, { digest: next.bundle.digest, files: next.files })
    this.#last = next
    for (const index of late) this.#options.gates.kill(index)
    await this.#tellKeyholder(next)
    return { closed: await this.#switchSessions(next) }
  }

  /** Also of a life of the daemon before this one. @throws SekishoError CONFIG_INVALID */
  approved(): { generation: number; files: Record<string, string> | null } {
    const files = this.#last?.files ?? readPolicyFile(this.#options.file)?.files ?? null
    return { generation: this.#last?.bundle.generation ?? 0, files }
  }

  /** Before any session is bound there. */
  async gateUp(gate: GatePeer): Promise<void> {
    if (this.#last !== undefined) await offer(gate, this.#last)
  }

  async keyholderUp(keyholder: KeyholderPeer): Promise<void> {
    if (this.#last !== undefined) await keyholder.call('policy.set', keyholderPart(this.#last))
  }

  /**
   * Until the log has it, it is nowhere decided by.
   *
   * @returns the gates that did not answer
   * @throws SekishoError what a gate found wrong with it; LOG_UNWRITABLE, PEER_UNAVAILABLE
   */
  async #prepare(next: PolicyInstall): Promise<readonly number[]> {
    try {
      const late = await this.#offer(next)
      await this.#options.record(leafOf(next))
      return late
    } catch (thrown) {
      const last = this.#last
      // what gates have is again what is in force; one that cannot be told shows as drift
      const gates = this.#options.gates.live()
      if (last !== undefined) await Promise.allSettled(gates.map(({ peer }) => offer(peer, last)))
      throw thrown
    }
  }

  /**
   * @returns the gates that did not answer
   * @throws SekishoError what a gate found wrong with it
   */
  async #offer(next: PolicyInstall): Promise<readonly number[]> {
    const late: number[] = []
    const gates = this.#options.gates.live()
    const answers = await Promise.allSettled(gates.map(({ peer }) => offer(peer, next)))
    for (const [i, answer] of answers.entries()) {
      const index = gates[i]?.index
      if (answer.status === 'fulfilled' || index === undefined) continue
      const error = toSekishoError(answer.reason)
      if (error.code === 'PEER_UNAVAILABLE') continue // it is given what is in force when it comes up
      if (error.code !== 'TIMEOUT') throw error
      this.#options.warn(`gate ${index} has not taken generation ${next.bundle.generation} in time`)
      late.push(index)
    }
    return late
  }

  /** One that is down denies everything, and is told when it comes up. */
  async #tellKeyholder(next: PolicyInstall): Promise<void> {
    try {
      await this.#options.keyholder().call('policy.set', keyholderPart(next))
    } catch (thrown) {
      if (toSekishoError(thrown).code !== 'PEER_UNAVAILABLE') throw thrown
    }
  }

  async #switchSessions(next: PolicyInstall): Promise<number> {
    const decisions = new Map(next.sessions.map(({ session, decision }) => [session, decision]))
    const closed = await Promise.all(
      this.#options.sessions().map((session) =>
        // one that nobody speaks for is granted nothing
        this.#switch(session, decisions.get(session.id) ?? grantNothing(session.decision, next)),
      ),
    )
    return closed.reduce((sum, count) => sum + count, 0)
  }

  /** A gate that does not take it may still decide by the generation before: it must not. */
  async #switch(session: Decided, decision: SessionDecision): Promise<number> {
    try {
      return await session.decide(decision, SESSION_POLICY_TIMEOUT_MS)
    } catch (thrown) {
      const error = toSekishoError(thrown)
      if (error.code === 'PEER_UNAVAILABLE') return 0 // its next gate is bound by the new decision
      this.#options.warn(`${session.id} is not decided anew: ${error.message}`)
      if (session.gate !== undefined) this.#options.gates.kill(session.gate)
      return 0
    }
  }
}

async function offer(gate: GatePeer, { bundle }: PolicyInstall): Promise<void> {
  await gate.call('policy.install', bundle, { timeoutMs: GATE_INSTALL_TIMEOUT_MS })
}

function grantNothing(before: SessionDecision, { bundle }: PolicyInstall): SessionDecision {
  return { ...before, generation: bundle.generation, policy: { rules: [] } }
}

function keyholderPart({ bundle, approvers }: PolicyInstall): PolicySet {
  const { digest, generation, mandates, users, llm } = bundle
  return { digest, generation, approvers, mandates, users, recordingDays: llm.recording.days }
}

function leafOf({ bundle, change, detail, signers }: PolicyInstall): LeafInput {
  const { generation, digest } = bundle
  return { type: 'policy.generation', generation, digest, change, detail, signers }
}
