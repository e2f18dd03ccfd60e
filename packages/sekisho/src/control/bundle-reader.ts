import type { Bundle } from '../policy/bundle.ts'
import { loadBundle } from '../policy/bundle.ts'
import type { controlToSupervisor } from '../wire/control.ts'
import type { Peer, Protocol } from '../wire/peer.ts'

/**
 * The policy bundle, re-read when its files change. The supervisor reads the bytes (this process
 * has no file rights); what they mean is decided here, by strict schemas.
 */
export class BundleReader {
  readonly #supervisor: Peer<typeof controlToSupervisor, Protocol>
  #stamp: string | null = null
  #bundle: Bundle | undefined

  constructor(supervisor: Peer<typeof controlToSupervisor, Protocol>) {
    this.#supervisor = supervisor
  }

  /** @throws SekishoError CONFIG_INVALID when a file of the bundle is not valid */
  async read(): Promise<Bundle> {
    const { stamp, files, registries } = await this.#supervisor.call('bundle.read', {
      stamp: this.#stamp,
    })
    if (files === null && this.#bundle !== undefined) return this.#bundle
    this.#stamp = null // a bundle that does not parse is read again next time
    this.#bundle = loadBundle(new Map(Object.entries(files ?? {})), registries)
    this.#stamp = stamp
    return this.#bundle
  }
}
