import type { Ecosystem } from '../../wire/packages.ts'
import type { PackageFacts } from './package-facts.ts'

export type TableBounds = {
  names: number
  /** of all names together */
  releases: number
}

/** What one session may keep in mind: some 10 MB at most. */
export const TABLE_BOUNDS: TableBounds = { names: 10_000, releases: 100_000 }

/** Of one package; a packument with more says nothing about the rest. */
export const MAX_RELEASES_OF_ONE = 20_000

/**
 * What registries said about packages in one session. Bounded: what was said longest ago is
 * forgotten first, and what is forgotten counts as never said.
 */
export class PackageTable {
  readonly #bounds: TableBounds
  readonly #packages = new Map<string, PackageFacts>()
  #releases = 0

  constructor(bounds: TableBounds = TABLE_BOUNDS) {
    this.#bounds = bounds
  }

  get size(): { names: number; releases: number } {
    return { names: this.#packages.size, releases: this.#releases }
  }

  find(ecosystem: Ecosystem, name: string): PackageFacts | undefined {
    return this.#packages.get(keyOf(ecosystem, name))
  }

  /** The latest word counts. */
  set(ecosystem: Ecosystem, name: string, facts: PackageFacts): void {
    const key = keyOf(ecosystem, name)
    this.#drop(key)
    this.#packages.set(key, facts)
    this.#releases += facts.releases.size
    for (const oldest of this.#packages.keys()) {
      if (this.#packages.size <= this.#bounds.names && this.#releases <= this.#bounds.releases)
        return
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    const facts = this.#packages.get(key)
    if (facts === undefined) return
    this.#packages.delete(key)
    this.#releases -= facts.releases.size
  }
}

function keyOf(ecosystem: Ecosystem, name: string): string {
  return `${ecosystem} ${name}`
}
