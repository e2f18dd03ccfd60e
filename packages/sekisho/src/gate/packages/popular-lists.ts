import { PopularNames } from '../../detect/packages/popular-names.ts'
import type { Ecosystem } from '../../wire/packages.ts'

/** Of the dependency that package.json pins: a new version of it is a newer list. */
export const NPM_LIST = { version: '1.13.0', published: '2026-09-23' }

/**
 * What each ecosystem's well-known packages are called. Read and indexed when the first session
 * asks, once for a gate: some 100 ms and 7 MB for npm, less for PyPI.
 */
export class PopularLists {
  readonly #lists = new Map<Ecosystem, Promise<PopularNames>>()

  /** Rejects where the list cannot be read: then nothing may be installed. */
  get(ecosystem: Ecosystem): Promise<PopularNames> {
    const known = this.#lists.get(ecosystem)
    if (known !== undefined) return known
    const reading = ecosystem === 'npm' ? readNpmNames() : readPypiNames()
    this.#lists.set(ecosystem, reading)
    return reading
  }
}

async function readNpmNames(): Promise<PopularNames> {
  const { npmHighImpact } = await import('npm-high-impact')
  const source = `npm-high-impact ${NPM_LIST.version} (${NPM_LIST.published})`
  return new PopularNames({ names: npmHighImpact, source })
}

async function readPypiNames(): Promise<PopularNames> {
  const { PYPI_NAMES } = await import('../../detect/packages/pypi-names/all.ts')
  return new PopularNames(PYPI_NAMES)
}
