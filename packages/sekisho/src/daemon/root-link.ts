import { SekishoError, toSekishoError } from '../core/error.ts'
import type { Protection } from '../wire/identity.ts'
import type { KeyholderPeer } from './child-kinds.ts'
import { RootProcess } from './root-process.ts'
import type { Settings } from './settings.ts'

/** Certificates are wanted at half of their life, which is weeks. */
const ASK_EVERY_MS = 3_600_000

type Options = {
  settings: Settings['identity']
  /** the root's, in the state directory */
  file: string
  environment: NodeJS.ProcessEnv
  warn: (line: string) => void
  /** in place of one that is made of the settings */
  root?: RootProcess
}

type Keyholder = Pick<KeyholderPeer, 'call'>

/** Between the keyholder, which wants certificates, and the root, which makes them. */
export class RootLink {
  readonly #options: Options
  readonly #root: RootProcess | undefined
  #protection: Protection | undefined
  #failure: SekishoError | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
    const { settings, file, environment, warn } = options
    if (settings.root.provider === 'derived') return
    this.#root =
      options.root ?? new RootProcess({ settings: settings.root, file, environment, warn })
  }

  /**
   * What the keyholder is started with: whose its root is, and for which trust domain that was made.
   *
   * @throws SekishoError ROOT_KEY_UNUSABLE where none was made; CONFIG_INVALID, PERMISSION_REQUIRED
   */
  get keyholderArguments(): string[] {
    const { trustDomain } = this.#options.settings
    if (this.#root === undefined) {
      return trustDomain === undefined ? ['derived'] : ['derived', trustDomain]
    }
    const { trustDomain: made } = this.#root.kept()
    if (trustDomain === undefined || trustDomain === made) return ['external', made]
    throw new SekishoError(
      'CONFIG_INVALID',
      `the root was made for the trust domain ${made}, and platform.yaml says ${trustDomain}`,
      { hint: 'put identity.trustDomain back as it was' },
    )
  }

  /** What of the root's protection is less than its class says, or does not work. */
  get degraded(): string[] {
    const { class: kind, emulated = false } = this.#protection ?? {}
    return [
      ...(emulated ? [`root-key-emulated: the ${kind} that has the root key is a program`] : []),
      ...(this.#failure === undefined
        ? []
        : [`root-key: ${this.#failure.message}; certificates run out`]),
    ]
  }

  /**
   * Has certified what the keyholder lacks, if anything. A secret that is wrong is not tried again
   * before the next start, because devices count; while what was certified before is good, that is a
   * warning.
   *
   * @throws SekishoError as {@link RootProcess.certify}, where nothing was certified yet
   */
  async serve(keyholder: Keyholder): Promise<void> {
    if (this.#root === undefined) return
    this.#protection = this.#root.kept().protection
    const { requests } = await keyholder.call('identity.requests', {})
    if (requests.length === 0 || this.#failure?.code === 'ROOT_KEY_UNUSABLE') return
    try {
      await keyholder.call('identity.install', await this.#root.certify(requests))
      this.#failure = undefined
    } catch (thrown) {
      const { authority } = await keyholder.call('identity.list', {})
      if (authority === null) throw thrown
      this.#failure = toSekishoError(thrown)
      this.#options.warn(`the root certifies nothing: ${this.#failure.message}`)
    }
  }

  /** From now on, as certificates come to half of their life. @param keyholder whichever is up */
  serveRegularly(keyholder: () => Keyholder): void {
    if (this.#root === undefined) return
    this.#timer = setInterval(() => {
      const turn = async (): Promise<void> => this.serve(keyholder()) // it may be down
      turn().catch((error: unknown) => this.#options.warn(`the root: ${String(error)}`))
    }, ASK_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
