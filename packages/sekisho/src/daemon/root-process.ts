import { SekishoError } from '../core/error.ts'
import { OneAtATime } from '../core/one-at-a-time.ts'
import type { RootRequest } from '../wire/identity.ts'
import type { Peer } from '../wire/peer.ts'
import type { RootDescription, RootFile, supervisorToRoot } from '../wire/root.ts'
import { type HeldRootSettings, secretReferenceOf } from '../wire/root-settings.ts'
import { makeRoot } from './root-child.ts'
import { readRootFile } from './root-file.ts'
import { readRootSecret } from './root-secret.ts'

/** scrypt on a busy machine, a TPM that makes its primary key, a token that wants a finger. */
const CALL_TIMEOUT_MS = 30_000
const STOP_GRACE_MS = 1_000

export type RootPeer = Peer<typeof supervisorToRoot, Record<never, never>>

/** What is needed of a child process: one that can be started once and stopped. */
export type RootChild = {
  readonly peer: RootPeer
  readonly pid: number | undefined
  start(): Promise<void>
  stop(graceMs: number): Promise<void>
}

type Options = {
  settings: HeldRootSettings
  /** of the state directory */
  file: string
  /** that references to variables and credentials are read in */
  environment: NodeJS.ProcessEnv
  warn: (line: string) => void
  launch?: () => RootChild
  /** of each call to it */
  timeoutMs?: number
}

export type Certified = {
  /** the root's own certificate, DER in base64 */
  root: string
  rootProtection: RootDescription['protection']
  /** DER in base64, in the order of the requests */
  certificates: string[]
}

export type MadeRoot = { file: RootFile; description: RootDescription }

/**
 * The root key, which is there while something is certified: for each use a process is started, which
 * opens the key, and is gone after it. Wrong secrets are not tried again: a token locks itself.
 */
export class RootProcess {
  readonly #options: Options
  readonly #line = new OneAtATime()
  #child: RootChild | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** While it is there. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /**
   * What was kept of the root; nothing of it was checked against the key.
   *
   * @throws SekishoError ROOT_KEY_UNUSABLE where none was made; CONFIG_INVALID, PERMISSION_REQUIRED
   */
  kept(): RootDescription {
    const { trustDomain, certificate, protection } = this.#file()
    return { trustDomain, certificate, protection }
  }

  /** @throws SekishoError ROOT_KEY_UNUSABLE, SECRET_MISSING, TIMEOUT, PEER_UNAVAILABLE … */
  describe(): Promise<RootDescription> {
    return this.#with((_peer, description) => Promise.resolve(description))
  }

  /** @throws SekishoError as {@link describe}; PROTOCOL_VIOLATION for what a root does not certify */
  certify(requests: readonly RootRequest[]): Promise<Certified> {
    return this.#with(async (peer, { certificate, protection }) => {
      const asked = { requests: [...requests] }
      const { certificates } = await peer.call('root.certify', asked, {
        timeoutMs: CALL_TIMEOUT_MS,
      })
      return { root: certificate, rootProtection: protection, certificates }
    })
  }

  /**
   * Makes the key; the caller keeps the file.
   *
   * @param secret in place of what the settings refer to: typed by somebody
   */
  async create(trustDomain: string, secret?: string): Promise<MadeRoot> {
    const { settings } = this.#options
    const asked = { settings, secret: secret ?? this.#secret(), trustDomain }
    return this.#run((peer) => peer.call('root.create', asked, this.#limit))
  }

  async #with<T>(use: (peer: RootPeer, description: RootDescription) => Promise<T>): Promise<T> {
    const { settings } = this.#options
    const asked = { settings, secret: this.#secret(), file: this.#file() }
    return this.#run(async (peer) => use(peer, await peer.call('root.open', asked, this.#limit)))
  }

  #run<T>(use: (peer: RootPeer) => Promise<T>): Promise<T> {
    return this.#line.run(async () => {
      const { settings, warn, launch = () => makeRoot(settings, warn) } = this.#options
      const child = launch()
      this.#child = child
      try {
        await child.start()
        return await use(child.peer)
      } finally {
        await child.stop(STOP_GRACE_MS)
        this.#child = undefined
      }
    })
  }

  get #limit(): { timeoutMs: number } {
    return { timeoutMs: this.#options.timeoutMs ?? CALL_TIMEOUT_MS }
  }

  #secret(): string | null {
    const { settings, environment } = this.#options
    const reference = secretReferenceOf(settings)
    return reference === undefined ? null : readRootSecret(reference, environment).reveal()
  }

  #file(): RootFile {
    const file = readRootFile(this.#options.file)
    if (file !== undefined) return file
    throw new SekishoError('ROOT_KEY_UNUSABLE', 'no root key was made yet', {
      hint: 'run `sekisho root init` once, with the settings that are in platform.yaml; if one was made, put root.json back from its copy',
    })
  }
}
