import type { Bundle } from '../policy/bundle.ts'
import { loadBundle } from '../policy/bundle.ts'
import { namedDetectors, requireKnownDetectors } from '../policy/known-detectors.ts'
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
    const bundle = loadBundle(new Map(Object.entries(files ?? {})), registries)
    await checkDetectors(bundle)
    this.#bundle = bundle
    this.#stamp = stamp
    return bundle
  }
}

/** @throws SekishoError CONFIG_INVALID */
async function checkDetectors(bundle: Bundle): Promise<void> {
  const named = namedDetectors(bundle.agents.map((name) => bundle.agent(name)))
  if (named.length === 0) return
  const { DETECTORS } = await import('../detect/egress/all.ts') // some 400, which few files need
  requireKnownDetectors(
    named,
    DETECTORS.map(({ id }) => id),
  )
}
