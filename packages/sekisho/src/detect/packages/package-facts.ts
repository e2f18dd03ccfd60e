/** What a registry said about one version, or about one file of a project on PyPI. */
export type ReleaseFacts = {
  /** Unix ms, rounded up to a minute; null where the registry did not say */
  publishedAtMs: number | null
  /** installing it runs code that it brings */
  installScripts: boolean
  deprecated: boolean
}

/** What a session's own installs fetched about one package. */
export type PackageFacts = {
  /** `missing`: the registry said that there is no such package */
  status: 'described' | 'missing'
  /** Unix ms of the first version; null where the registry did not say */
  createdAtMs: number | null
  /** Unix ms: no version is newer than this; null where the registry did not say */
  modifiedAtMs: number | null
  releases: Releases
}

export const MISSING: PackageFacts = {
  status: 'missing',
  createdAtMs: null,
  modifiedAtMs: null,
  releases: { size: 0, get: () => undefined },
}

/** By version on npm, by file name on PyPI. */
export type Releases = { readonly size: number; get(key: string): ReleaseFacts | undefined }

const MINUTE_MS = 60_000
const SCRIPTS = 1
const DEPRECATED = 2
const FLAG_BITS = 2

/**
 * Many releases in little memory: minutes of publication and two flags in one small integer. A
 * table of a hundred thousand releases takes about 10 MB so.
 */
export class ReleaseTable implements Releases {
  readonly #packed = new Map<string, number>()
  readonly #max: number

  /** @param max releases kept; of later ones nothing is known */
  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#packed.size
  }

  get(key: string): ReleaseFacts | undefined {
    const packed = this.#packed.get(key)
    if (packed === undefined) return undefined
    const minutes = packed >> FLAG_BITS
    return {
      publishedAtMs: minutes === 0 ? null : minutes * MINUTE_MS,
      installScripts: (packed & SCRIPTS) !== 0,
      deprecated: (packed & DEPRECATED) !== 0,
    }
  }

  /**
   * Adds to what is known. Two statements about one release are both taken for true: the later
   * time, any script.
   */
  add(key: string, facts: Partial<ReleaseFacts>): void {
    const known = this.#packed.get(key)
    if (known === undefined && this.#packed.size >= this.#max) return
    const flags =
      ((known ?? 0) & (SCRIPTS | DEPRECATED)) |
      (facts.installScripts === true ? SCRIPTS : 0) |
      (facts.deprecated === true ? DEPRECATED : 0)
    const minutes = Math.max((known ?? 0) >> FLAG_BITS, toMinutes(facts.publishedAtMs ?? null))
    this.#packed.set(key, (minutes << FLAG_BITS) | flags)
  }
}

/** Rounded up: a version is never taken for older than it is. 2^29 minutes last until 2990. */
function toMinutes(atMs: number | null): number {
  if (atMs === null || atMs <= 0) return 0
  return Math.min(Math.ceil(atMs / MINUTE_MS), 2 ** 28)
}

/** RFC 3339, as registries write it; null for anything that is no time. */
export function readTime(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?$/.test(text))
    return null
  // without a zone it is UTC there; Date would take it for local time
  const atMs = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`)
  return Number.isFinite(atMs) ? atMs : null
}
