import { deny } from '../../core/verdict.ts'
import { PackageExceptions } from '../../detect/packages/exceptions.ts'
import type { PackageFacts } from '../../detect/packages/package-facts.ts'
import { PackageTable } from '../../detect/packages/package-table.ts'
import type { PopularNames } from '../../detect/packages/popular-names.ts'
import {
  type PackageRegistry,
  readRegistryRequest,
} from '../../detect/packages/registry-request.ts'
import type { CheckpointPorts, Exchange } from '../../flow/ports.ts'
import type { Ecosystem, PackagePlan } from '../../wire/packages.ts'
import type { HttpArrival } from '../http-exchange.ts'
import { type Fetch, FileExchange } from './file-exchange.ts'
import { type MetadataRequest, MetadataSink } from './metadata-sink.ts'
import { metadataFields } from './package-fields.ts'
import { WithheldBytes } from './withheld-bytes.ts'

/** Rule of a request at a registry that could mean more than one thing, or nothing. */
export const AMBIGUOUS_PACKAGE = 'packages.ambiguous'

/** Files that one session's gate keeps back at once. */
const WITHHELD_BYTES_PER_SESSION = 64 * 1024 * 1024

/** What judges one session's installs. */
export type FirewallParts = {
  plan: PackagePlan
  exceptions: PackageExceptions
  table: PackageTable
  room: WithheldBytes
  popular(ecosystem: Ecosystem): Promise<PopularNames>
  ports: Pick<CheckpointPorts, 'recorder' | 'newId' | 'outcomeLost'>
  /** Unix ms */
  now(): number
}

export type FirewallOptions = Pick<FirewallParts, 'plan' | 'popular' | 'ports' | 'now'> & {
  registries: readonly PackageRegistry[]
  /** what the gate keeps back for all sessions */
  withheld: WithheldBytes
}

/** Reads what one session asks of package registries, remembers what they say, and decides. */
export class PackageFirewall {
  readonly #registries: readonly PackageRegistry[]
  readonly #parts: FirewallParts

  constructor({ registries, withheld, ...options }: FirewallOptions) {
    this.#registries = registries
    this.#parts = {
      ...options,
      exceptions: new PackageExceptions(options.plan.exceptions),
      table: new PackageTable(),
      room: new WithheldBytes(WITHHELD_BYTES_PER_SESSION, withheld),
    }
    // read before the first install waits for it; whoever waits hears of a failure
    const ecosystems = new Set(registries.map(({ ecosystem }) => ecosystem))
    for (const ecosystem of ecosystems) options.popular(ecosystem).catch(() => undefined)
  }

  /** @param fetch makes the exchange of a request that is nobody's install, or a decided one */
  exchangeFor(arrival: HttpArrival, fetch: Fetch): Exchange {
    const request = readRegistryRequest(arrival.action, this.#registries)
    switch (request?.kind) {
      case undefined:
      case 'other':
        return fetch(arrival)
      case 'ambiguous':
        return new RefusedExchange(request.reason)
      case 'metadata':
        return fetch(this.#watchMetadata(arrival, request))
      case 'file':
        return new FileExchange(arrival, { file: request, parts: this.#parts, fetch })
    }
  }

  #watchMetadata(arrival: HttpArrival, request: MetadataRequest): HttpArrival {
    const { table, plan } = this.#parts
    const remember = (facts: PackageFacts): void =>
      table.set(request.ecosystem, request.name, facts)
    const { young, ageUnknown, typo } = plan.actions
    const needsTimes =
      request.document === 'packument' && [young, ageUnknown, typo].some((a) => a !== 'allow')
    return {
      ...arrival,
      fields: metadataFields(arrival.fields, needsTimes),
      sink: new MetadataSink(arrival.sink, request, remember),
    }
  }
}

/** Two readers could take the request for different packages, so it goes nowhere. */
class RefusedExchange implements Exchange {
  readonly #reason: string

  constructor(reason: string) {
    this.#reason = reason
  }

  inspect(): ReturnType<Exchange['inspect']> {
    return deny(AMBIGUOUS_PACKAGE, `at a package registry: ${this.#reason}`)
  }

  perform(): ReturnType<Exchange['perform']> {
    return Promise.resolve({ kind: 'failed', code: 'INTERNAL', message: 'it was refused' })
  }
}
