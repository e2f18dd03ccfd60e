import { type Interest, type JsonReader, type JsonScalar, JsonScan } from './json-scan.ts'
import { type PackageFacts, readTime, ReleaseTable } from './package-facts.ts'
import { canonicalPypiName } from './package-name.ts'

/** Fields of one file, in the index's spelling (PEP 700) and in that of `/pypi/NAME/json`. */
const FILE_FIELDS: ReadonlySet<string> = new Set([
  'filename',
  'upload-time',
  'upload_time_iso_8601',
  'yanked',
])

const TOP: ReadonlyMap<string, Interest> = new Map([
  ['name', 'take'],
  ['info', 'enter'],
  ['files', 'enter'],
  ['urls', 'enter'],
  ['releases', 'enter'],
])

/**
 * Reads a project's page of an index in JSON (PEP 691), or `/pypi/NAME/json`, as it goes by. A page
 * in HTML says that there is such a project and nothing of age.
 */
export class PypiMetadata {
  readonly #reader: ProjectReader
  readonly #scan: JsonScan

  constructor(name: string, maxReleases: number) {
    this.#reader = new ProjectReader(name, maxReleases)
    this.#scan = new JsonScan(this.#reader)
  }

  push(piece: Uint8Array): void {
    this.#scan.push(piece)
  }

  /** What it said; undefined if it broke off, is no such page, or is one of another project. */
  end(): PackageFacts | undefined {
    this.#scan.end()
    return this.#scan.isBroken ? undefined : this.#reader.facts()
  }
}

/** What a page in HTML says. */
export function describeHtmlIndex(): PackageFacts {
  return {
    status: 'described',
    createdAtMs: null,
    modifiedAtMs: null,
    releases: new ReleaseTable(0),
  }
}

type FileEntry = { filename: string; uploadedAtMs: number | null; yanked: boolean }

class ProjectReader implements JsonReader {
  readonly #name: string
  readonly #releases: ReleaseTable
  #isNamed = false
  #isOther = false
  #createdAtMs: number | null = null
  #entry: FileEntry | undefined
  /** where the entry stands, so that the next one is told apart */
  #entryDepth = 0

  constructor(name: string, maxReleases: number) {
    this.#name = name
    this.#releases = new ReleaseTable(maxReleases)
  }

  wants(path: readonly string[]): Interest {
    const [top = '', second] = path
    if (path.length === 1) return TOP.get(top) ?? 'skip'
    if (top === 'info') return second === 'name' ? 'take' : 'skip'
    const field = path.at(-1) ?? ''
    if (field === '[]') this.#startFile(path.length)
    else if (path.length === this.#entryDepth + 1) return FILE_FIELDS.has(field) ? 'take' : 'skip'
    return 'enter' // a version's list of files, or a file
  }

  take(path: readonly string[], value: JsonScalar): void {
    const field = path.at(-1) ?? ''
    if (field === 'name') return this.#takeName(value)
    const entry = this.#entry
    if (entry === undefined) return
    if (field === 'filename') entry.filename = value.text
    else if (field === 'yanked') entry.yanked = value.text !== 'false'
    else entry.uploadedAtMs = readTime(value.text) ?? entry.uploadedAtMs
  }

  facts(): PackageFacts | undefined {
    this.#endFile()
    if (!this.#isNamed || this.#isOther) return undefined
    return {
      status: 'described',
      createdAtMs: this.#createdAtMs,
      modifiedAtMs: null,
      releases: this.#releases,
    }
  }

  #takeName({ kind, text }: JsonScalar): void {
    this.#isNamed = true
    if (kind !== 'text' || canonicalPypiName(text) !== this.#name) this.#isOther = true
  }

  #startFile(depth: number): void {
    this.#endFile()
    this.#entryDepth = depth
    this.#entry = { filename: '', uploadedAtMs: null, yanked: false }
  }

  #endFile(): void {
    const entry = this.#entry
    this.#entry = undefined
    if (entry === undefined || entry.filename === '') return
    const { filename, uploadedAtMs, yanked } = entry
    this.#releases.add(filename, { publishedAtMs: uploadedAtMs, deprecated: yanked })
    if (uploadedAtMs === null) return
    this.#createdAtMs = Math.min(this.#createdAtMs ?? uploadedAtMs, uploadedAtMs)
  }
}
