import { readManifestScripts } from './npm-metadata.ts'
import { TarScan } from './tar-scan.ts'

const MAX_MANIFEST_BYTES = 1024 * 1024

/** What the file of a version shows by itself. */
export type TarballVerdict =
  | { kind: 'quiet' }
  /** installing it runs code */
  | { kind: 'scripts'; reason: string }
  /** nobody can tell */
  | { kind: 'unreadable'; reason: string }

/**
 * Looks whether a package of npm runs code when it is installed: an install script in its
 * package.json, or a `binding.gyp`, for which npm runs node-gyp. Takes the archive unpacked.
 *
 * A later entry replaces an earlier one of its name, and what a registry's metadata says need not
 * be what the file says, so all of the archive is read.
 */
export class NpmTarball {
  readonly #tar: TarScan
  #hasManifest = false
  #scripts: string | undefined
  #unreadable: string | undefined

  constructor() {
    this.#tar = new TarScan({
      wants: (path, bytes) => this.#wants(path, bytes),
      take: (_, content) => this.#readManifest(content),
    })
  }

  /** known before the end: reading on changes nothing */
  get isDecided(): boolean {
    return this.#scripts !== undefined || this.#why() !== undefined
  }

  push(piece: Uint8Array): void {
    this.#tar.push(piece)
  }

  end(): TarballVerdict {
    if (this.#scripts === undefined) this.#tar.end()
    return this.verdict()
  }

  /** @returns as far as it has been read */
  verdict(): TarballVerdict {
    if (this.#scripts !== undefined) return { kind: 'scripts', reason: this.#scripts }
    const why = this.#why()
    if (why !== undefined) return { kind: 'unreadable', reason: `its file cannot be read: ${why}` }
    if (this.#hasManifest) return { kind: 'quiet' }
    return { kind: 'unreadable', reason: 'its file has no package.json' }
  }

  #why(): string | undefined {
    return this.#unreadable ?? this.#tar.unreadable
  }

  #wants(path: string, bytes: number): 'take' | 'skip' {
    const inside = pathInside(path)
    if (inside === 'binding.gyp') this.#scripts ??= 'its file has a binding.gyp, which npm builds'
    if (inside !== 'package.json') return 'skip'
    this.#hasManifest = true
    if (bytes <= MAX_MANIFEST_BYTES) return 'take'
    this.#unreadable = 'its package.json is too long'
    return 'skip'
  }

  #readManifest(content: Uint8Array): void {
    const read = readManifestScripts(content)
    if (read === undefined) this.#unreadable = 'its package.json is no JSON'
    else if (read.runs) this.#scripts ??= 'the package.json in its file has install scripts'
  }
}

/**
 * Where npm puts an entry: it drops the first component of every path, whatever that is, and file
 * systems that ignore case take `Package.json` for package.json.
 */
function pathInside(path: string): string {
  const parts = path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  return parts.slice(1).join('/').toLowerCase()
}
