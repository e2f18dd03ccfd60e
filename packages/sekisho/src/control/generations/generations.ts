import { setTimeout as pause } from 'node:timers/promises'
import { ERRORS, SekishoError, toSekishoError } from '../../core/error.ts'
import { OneAtATime } from '../../core/one-at-a-time.ts'
import { bundleDigest } from '../../policy/bundle-signatures.ts'
import { type CompiledBundle, compileBundle } from '../../policy/decision/compiled-bundle.ts'
import type { Operator } from '../../policy/operators.ts'
import type { controlToSupervisor, PolicyInstall } from '../../wire/control.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { BundleReader, BundleTexts } from '../bundle-reader.ts'
import { type Admitted, admit, type Predecessor } from './admission.ts'
import type { Compare } from './comparison.ts'
import { type Candidate, type Generation, operatorsIn, readCandidate } from './generation.ts'
import { type Subject, sessionDecision } from './session-decision.ts'

/** Every gate compiles it, the log has it, every session is decided by it. */
const INSTALL_TIMEOUT_MS = 30_000
/** An editor writes a file in pieces, and people save several: a change counts once it is over. */
const SETTLE_MS = 100
const MAX_SETTLE_TURNS = 10
const MAX_REASON_LENGTH = 4096

export type GenerationsOptions = {
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  reader: Pick<BundleReader, 'read' | 'forget'>
  compare: Compare
  /** the sessions that run or are being started */
  running: () => readonly { session: string; subject: Subject }[]
  now: () => Date
  report: (line: string) => void
  /** told after each generation that has come into force */
  installed?: (digest: string) => void
}

/** Why the files that lie there are not in force. */
export type Refusal = { error: SekishoError; digest: string | null }

/**
 * Which bundle is in force. Files that are not valid, or that nobody may put in force as they are,
 * change nothing for the sessions that run, and no new one begins while they lie there.
 */
export class Generations {
  readonly #options: GenerationsOptions
  #inForce: Generation | undefined
  /** what the next one must be fit to follow; undefined before the supervisor was asked */
  #before: Predecessor | null | undefined
  /** operators of the files that were last looked at; undefined where they are not valid */
  #own: readonly Operator[] | undefined
  #number = 0
  /** of the files that were last looked at, whatever became of them */
  #seen: string | undefined
  #unreadable: SekishoError | undefined
  #refusal: Refusal | undefined
  #recorded = ''
  readonly #line = new OneAtATime()

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  get inForce(): Generation | undefined {
    return this.#inForce
  }

  get refusal(): Refusal | undefined {
    if (this.#unreadable !== undefined) return { error: this.#unreadable, digest: null }
    return this.#refusal
  }

  /** Whose signatures put the next one in force. @returns null while nobody can say */
  get judges(): { operators: readonly Operator[]; isFirst: boolean } | null {
    if (this.#before === undefined) return null
    if (this.#before !== null) return { operators: this.#before.operators, isFirst: false }
    return this.#own === undefined ? null : { operators: this.#own, isFirst: true }
  }

  /**
   * Looks at the files first. No generation comes into force while `use` runs, so a session that
   * is begun in it is decided by the one that it is given, until the next.
   *
   * @throws SekishoError CONFIG_INVALID, POLICY_REFUSED when the files may not come into force
   */
  async withCurrent<T>(use: (generation: Generation) => T): Promise<T> {
    return this.#line.run(async () => {
      await this.#look()
      return use(this.#current())
    })
  }

  /** As {@link withCurrent}, whether or not the files seem to have changed. */
  async reload(): Promise<{ generation: Generation; isNew: boolean }> {
    return this.#line.run(async () => {
      const before = this.#inForce?.number
      await this.#consider(await this.#read({ whole: true }))
      const generation = this.#current()
      return { generation, isNew: generation.number !== before }
    })
  }

  /** Puts a change in force, if it may be, once whoever makes it has come to an end. */
  async poll(): Promise<void> {
    await this.#line.run(() => this.#look({ settle: true }))
  }

  /** Reads every byte: what has changed without a trace is found, recorded, and then as any change. */
  async compareFiles(): Promise<void> {
    await this.#line.run(async () => {
      await this.#look({ settle: true })
      const texts = await this.#read({ whole: true })
      const digest = texts === null ? undefined : bundleDigest(texts.files)
      if (texts === null || digest === undefined || digest === this.#seen) return
      const drift = { approved: this.#inForce?.digest ?? digest, running: digest, where: 'files' }
      await this.#options.supervisor.call('policy.drift', drift)
      await this.#consider(texts)
    })
  }

  /** @throws SekishoError why nothing new may begin now */
  #current(): Generation {
    if (this.refusal !== undefined) throw this.refusal.error
    if (this.#inForce !== undefined) return this.#inForce
    throw new SekishoError('PEER_UNAVAILABLE', 'no policy bundle is in force yet', {
      hint: 'try again in a moment',
    })
  }

  async #look({ settle = false } = {}): Promise<void> {
    let texts = await this.#read()
    for (let turn = 0; settle && texts !== null && turn < MAX_SETTLE_TURNS; turn += 1) {
      await pause(SETTLE_MS)
      const again = await this.#read()
      if (again === null) break
      texts = again
    }
    await this.#consider(texts)
  }

  async #read(how: { whole?: boolean } = {}): Promise<BundleTexts | null> {
    try {
      const texts = await this.#options.reader.read(how)
      this.#unreadable = undefined
      return texts
    } catch (thrown) {
      const error = toSekishoError(thrown)
      if (error.code !== 'CONFIG_INVALID') throw error
      this.#unreadable = error
      await this.#record({ error, digest: null })
      return null
    }
  }

  /** @param texts null: nothing has changed */
  async #consider(texts: BundleTexts | null): Promise<void> {
    if (texts === null) return
    const digest = bundleDigest(texts.files)
    this.#seen = digest
    try {
      await this.#putInForce(texts)
      this.#refusal = undefined
    } catch (thrown) {
      const error = toSekishoError(thrown)
      this.#refusal = { error, digest }
      if (ERRORS[error.code].retry)
        this.#options.reader.forget() // looked at again next time
      else await this.#record(this.#refusal)
    }
  }

  async #putInForce(texts: BundleTexts): Promise<void> {
    this.#own = undefined
    this.#before ??= await this.#predecessor(texts)
    const candidate = await readCandidate(texts)
    this.#own = candidate.operators
    if (candidate.digest === this.#inForce?.digest) return
    const admitted = await admit(this.#before, candidate, this.#options.compare)
    await this.#install(candidate, admitted)
  }

  /** A change that was made while the platform did not run is no first start. */
  async #predecessor({ registries }: BundleTexts): Promise<Predecessor | null> {
    const { generation, files } = await this.#options.supervisor.call('policy.approved', {})
    this.#number = generation
    if (files === null) return null
    const approved = new Map(Object.entries(files))
    const candidate = await readCandidate({ files: approved, registries }).catch(() => null)
    const digest = bundleDigest(approved)
    return { digest, operators: operatorsIn(approved), candidate }
  }

  async #install(candidate: Candidate, admitted: Admitted): Promise<void> {
    this.#number += 1 // also for a try that fails: the supervisor may have got further than it said
    const number = this.#number
    const { closed } = await this.#options.supervisor.call(
      'policy.install',
      this.#installOf(candidate, { number, admitted }),
      { timeoutMs: INSTALL_TIMEOUT_MS },
    )
    const since = this.#options.now()
    let compiled: CompiledBundle | undefined
    const compile = (): CompiledBundle => (compiled ??= compileBundle(candidate.decision(number)))
    this.#inForce = { ...candidate, number, admitted, compiled: compile, closed, since }
    this.#before = { digest: candidate.digest, operators: candidate.operators, candidate }
    this.#recorded = ''
    this.#options.installed?.(candidate.digest)
  }

  #installOf(
    candidate: Candidate,
    { number, admitted }: { number: number; admitted: Admitted },
  ): PolicyInstall {
    const { bundle, approvers, files } = candidate
    return {
      bundle: candidate.decision(number),
      approvers: [...approvers],
      ...admitted,
      detail: admitted.detail.slice(0, MAX_REASON_LENGTH),
      sessions: this.#options.running().map(({ session, subject }) => ({
        session,
        decision: sessionDecision({ number, bundle }, subject),
      })),
      files: Object.fromEntries(files),
    }
  }

  /** Once for each reason: the same files are looked at again and again. */
  async #record({ error, digest }: Refusal): Promise<void> {
    const reason = error.message.slice(0, MAX_REASON_LENGTH)
    const name = `${digest} ${reason}`
    if (name === this.#recorded) return
    try {
      const hint = error.hint?.slice(0, MAX_REASON_LENGTH) ?? null
      await this.#options.supervisor.call('policy.refused', { digest, reason, hint })
      this.#recorded = name
    } catch (thrown) {
      this.#options.report(`a refused bundle is not in the log yet: ${String(thrown)}`)
    }
  }
}
