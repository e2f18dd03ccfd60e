import type { RegistryUrl } from '../policy/registry-config.ts'
import type { controlToSupervisor } from '../wire/control.ts'
import type { Peer, Protocol } from '../wire/peer.ts'

export type BundleTexts = {
  /** text by path below the bundle's directory */
  files: ReadonlyMap<string, string>
  registries: readonly RegistryUrl[]
}

/**
 * The bundle's files, when they have changed. The supervisor reads the bytes (this process has no
 * file rights); what they mean is decided here, by strict schemas.
 */
export class BundleReader {
  readonly #supervisor: Peer<typeof controlToSupervisor, Protocol>
  #stamp: string | null = null

  constructor(supervisor: Peer<typeof controlToSupervisor, Protocol>) {
    this.#supervisor = supervisor
  }

  /**
   * @param options.whole also when no file seems to have changed
   * @returns null when they are as they were at the last call
   * @throws SekishoError CONFIG_INVALID when the files cannot be read
   */
  async read({ whole = false } = {}): Promise<BundleTexts | null> {
    const { stamp, files, registries } = await this.#supervisor.call('bundle.read', {
      stamp: whole ? null : this.#stamp,
    })
    if (files === null) return null
    this.#stamp = stamp
    return { files: new Map(Object.entries(files)), registries }
  }

  /** The next read gives the files whether or not they have changed. */
  forget(): void {
    this.#stamp = null
  }
}
