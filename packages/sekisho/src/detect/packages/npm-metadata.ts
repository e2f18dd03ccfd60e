import { type Interest, type JsonReader, type JsonScalar, JsonScan } from './json-scan.ts'
import { type PackageFacts, readTime, ReleaseTable } from './package-facts.ts'

/** npm runs these of a dependency (npm docs, scripts: "npm install"). */
const INSTALL_SCRIPTS: ReadonlySet<string> = new Set(['preinstall', 'install', 'postinstall'])

/** Spellings of "no" in packuments: `deprecated` is a text, empty when it was taken back. */
const NO: ReadonlySet<string> = new Set(['', 'false', 'null'])

/** Reads a packument as it goes by, whole or abbreviated: tens of megabytes in a fixed memory. */
export class NpmMetadata {
  readonly #reader: PackumentReader
  readonly #scan: JsonScan

  /** @param name whose packument was asked for @param maxReleases kept of it */
  constructor(name: string, maxReleases: number) {
    this.#reader = new PackumentReader(name, maxReleases)
    this.#scan = new JsonScan(this.#reader)
  }

  push(piece: Uint8Array): void {
    this.#scan.push(piece)
  }

  /** What it said; undefined if it broke off, is no packument, or is one of another package. */
  end(): PackageFacts | undefined {
    this.#scan.end()
    if (this.#scan.isBroken) return undefined
    return this.#reader.facts()
  }
}

class PackumentReader implements JsonReader {
  readonly #name: string
  readonly #releases: ReleaseTable
  #isOther = false
  #isNamed = false
  #createdAtMs: number | null = null
  #modifiedAtMs: number | null = null

  constructor(name: string, maxReleases: number) {
    this.#name = name
    this.#releases = new ReleaseTable(maxReleases)
  }

  wants(path: readonly string[]): Interest {
    const [top] = path
    switch (path.length) {
      case 1:
        if (top === 'name' || top === 'modified') return 'take'
        return top === 'versions' || top === 'time' ? 'enter' : 'skip'
      case 2:
        return top === 'versions' ? this.#startVersion(path[1]) : 'take'
      case 3:
        return wantsOfVersion(path[2] ?? '')
      default:
        return 'take'
    }
  }

  take(path: readonly string[], value: JsonScalar): void {
    const [top = '', key = '', field = '', script = ''] = path
    if (path.length === 1) return this.#takeTop(top, value)
    if (top === 'time') return this.#takeTime(key, value)
    if (field === 'scripts') {
      this.#releases.add(key, { installScripts: INSTALL_SCRIPTS.has(script) })
    } else if (field === 'hasInstallScript') {
      this.#releases.add(key, { installScripts: !NO.has(value.text) })
    } else if (field === 'deprecated') this.#releases.add(key, { deprecated: !NO.has(value.text) })
  }

  facts(): PackageFacts | undefined {
    if (this.#isOther || !this.#isNamed) return undefined
    return {
      status: 'described',
      createdAtMs: this.#createdAtMs,
      modifiedAtMs: this.#modifiedAtMs,
      releases: this.#releases,
    }
  }

  #startVersion(version = ''): Interest {
    this.#releases.add(version, {})
    return 'enter'
  }

  #takeTop(key: string, { kind, text }: JsonScalar): void {
    if (key === 'modified') {
      this.#modifiedAtMs = latest(this.#modifiedAtMs, readTime(text))
      return
    }
    this.#isNamed = true
    if (kind !== 'text' || text !== this.#name) this.#isOther = true
  }

  #takeTime(key: string, { text }: JsonScalar): void {
    const atMs = readTime(text)
    if (atMs === null) return
    if (key === 'modified') this.#modifiedAtMs = latest(this.#modifiedAtMs, atMs)
    else if (key === 'created') this.#createdAtMs = latest(this.#createdAtMs, atMs)
    else this.#releases.add(key, { publishedAtMs: atMs })
  }
}

function wantsOfVersion(field: string): Interest {
  if (field === 'scripts') return 'enter'
  return field === 'hasInstallScript' || field === 'deprecated' ? 'take' : 'skip'
}

function latest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}

/** Whether a package.json has scripts that an install runs; undefined where nobody could read it. */
export function readManifestScripts(bytes: Uint8Array): { runs: boolean } | undefined {
  let runs = false
  const scan = new JsonScan({
    wants: (path) => {
      if (path.length === 1) return path[0] === 'scripts' ? 'enter' : 'skip'
      // of duplicates each reader takes another: any of them counts
      if (INSTALL_SCRIPTS.has(path[1] ?? '')) runs = true
      return 'skip'
    },
    take: () => undefined,
  })
  // npm drops a byte order mark
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  scan.push(hasMark ? bytes.subarray(3) : bytes)
  scan.end()
  return scan.isBroken ? undefined : { runs }
}
