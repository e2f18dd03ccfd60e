import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import type { KeyholderPeer } from './child-kinds.ts'
import type { Paths } from './paths.ts'
import { RootProcess } from './root-process.ts'
import type { Settings } from './settings.ts'

type Options = {
  settings: Settings['identity']
  paths: Pick<Paths, 'rootFile' | 'rootCertificate'>
  environment: NodeJS.ProcessEnv
  warn: (line: string) => void
  /** in place of one that is made of the settings */
  root?: RootProcess
}

/**
 * Between the keyholder, which asks for certificates, and the root, which makes them: it hands over,
 * and remembers whose root it was.
 */
export class RootLink {
  readonly #root: RootProcess | undefined
  readonly #paths: Options['paths']

  constructor({ settings, paths, environment, warn, root }: Options) {
    this.#paths = paths
    if (settings.root.provider === 'derived') return
    this.#root =
      root ?? new RootProcess({ settings: settings.root, file: paths.rootFile, environment, warn })
  }

  /**
   * What an external root was made for, which the keyholder has to be told; null where it derives its
   * own. @throws SekishoError ROOT_KEY_UNUSABLE where none was made; CONFIG_INVALID, PERMISSION_REQUIRED
   */
  get trustDomain(): string | null {
    return this.#root?.kept().trustDomain ?? null
  }

  /** While it is there. */
  get pid(): number | undefined {
    return this.#root?.pid
  }

  /**
   * Has certified what the keyholder lacks, if anything, and compares the root with the first one.
   * A wrong secret is not tried again by itself: devices count.
   *
   * @throws SekishoError ROOT_KEY_UNUSABLE and others of {@link RootProcess.certify}; LOG_BROKEN when the
   *   root is another than the first
   */
  async serve(keyholder: Pick<KeyholderPeer, 'call'>): Promise<void> {
    if (this.#root !== undefined) {
      this.#pin(this.#root.kept().certificate)
      const { requests } = await keyholder.call('identity.requests', {})
      if (requests.length === 0) return
      await keyholder.call('identity.install', await this.#root.certify(requests))
      return
    }
    const { authority } = await keyholder.call('identity.list', {})
    if (authority !== null) this.#pin(authority.root)
  }

  /** The first root is kept where only root writes, for auditors to take away. */
  #pin(certificate: string): void {
    const path = this.#paths.rootCertificate
    const pem = new X509Certificate(Buffer.from(certificate, 'base64')).toString()
    try {
      writeFileSync(path, pem, { flag: 'wx', mode: 0o644 })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      if (readFileSync(path, 'utf8').includes(pem)) return
      throw new SekishoError(
        'LOG_BROKEN',
        `identities are certified by another root than ${path}`,
        {
          hint: 'restore the state directory, or move it away to begin anew',
        },
      )
    }
  }
}
