import { SekishoError, toSekishoError } from '../../core/error.ts'
import type { controlToSupervisor, PolicyInstall } from '../../wire/control.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { BundleReader } from '../bundle-reader.ts'
import { type Candidate, type Generation, readCandidate } from './generation.ts'
import { sessionDecision, type Subject } from './session-decision.ts'

/** Every gate compiles it, the keyholder records it, every session is decided by it. */
const INSTALL_TIMEOUT_MS = 30_000

export type GenerationsOptions = {
  supervisor: Peer<typeof controlToSupervisor, Protocol>
  reader: BundleReader
  /** the sessions that run or are being started */
  running: () => readonly { session: string; subject: Subject }[]
}

/**
 * Which bundle is in force. Files that are not valid, or that nobody may put in force as they are,
 * change nothing for the sessions that run, and no new one begins while they lie there.
 */
export class Generations {
  readonly #options: GenerationsOptions
  #inForce: Generation | undefined
  #refusal: SekishoError | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /**
   * Looks at the files first. No generation comes into force while `use` runs, so a session that
   * is begun in it is decided by the one that it is given, until the next.
   *
   * @throws SekishoError CONFIG_INVALID, POLICY_REFUSED when the files may not come into force
   */
  async withCurrent<T>(use: (generation: Generation) => T): Promise<T> {
    return this.#exclusively(async () => use(await this.#check()))
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #check(): Promise<Generation> {
    const texts = await this.#options.reader.read()
    if (texts !== null) {
      this.#refusal = undefined
      try {
        await this.#install(await readCandidate(texts))
      } catch (thrown) {
        this.#refusal = toSekishoError(thrown)
      }
    }
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#inForce === undefined) {
      throw new SekishoError('INTERNAL', 'no generation of the bundle is in force')
    }
    return this.#inForce
  }

  async #install(candidate: Candidate): Promise<void> {
    const number = (this.#inForce?.number ?? 0) + 1
    if (this.#inForce?.digest === candidate.digest) return
    const generation: Generation = { ...candidate, number }
    await this.#options.supervisor.call('policy.install', this.#installOf(generation), {
      timeoutMs: INSTALL_TIMEOUT_MS,
    })
    this.#inForce = generation
  }

  #installOf(generation: Generation): PolicyInstall {
    return {
      bundle: generation.decision(generation.number),
      approvers: [...generation.approvers],
      change: this.#inForce === undefined ? 'first' : 'not-proven',
      detail: '',
      signers: [],
      sessions: this.#options
        .running()
        .map(({ session, subject }) => ({ session, decision: sessionDecision(generation, subject) })),
    }
  }
}
