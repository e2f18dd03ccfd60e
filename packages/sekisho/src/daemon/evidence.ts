import { createHash } from 'node:crypto'
import { link, lstat, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../core/canonical-json.ts'
import { toSekishoError } from '../core/error.ts'
import { within } from '../kernel/deadline.ts'

type IndexedFile = {
  name: string
  bytes: number
  /** of the content; null for a disk image, whose files `changes.json` lists with theirs */
  sha256: string | null
}

const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_FAILURES = 16

/**
 * What is kept of a session that tried to escape: a directory of root's, and an index of it whose
 * digest goes into the log. Whatever cannot be kept is noted and holds up nothing else.
 */
export class EvidenceFolder {
  readonly name: string
  readonly directory: string
  readonly failures: string[] = []
  readonly #files: IndexedFile[] = []

  /** @param root the state's directory of all evidence */
  constructor(root: string, name: string) {
    this.name = name
    this.directory = join(root, name)
  }

  async make(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
  }

  /** Does one part of the work; when it fails or is late, that is noted and the rest goes on. */
  async attempt<T>(
    what: string,
    timeoutMs: number,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await within(timeoutMs, what, work())
    } catch (thrown) {
      const { message } = toSekishoError(thrown)
      if (this.failures.length < MAX_FAILURES)
        this.failures.push(`${what}: ${message}`.slice(0, 256))
      return undefined
    }
  }

  /** @throws RangeError for more than a file may hold */
  async write(name: string, value: unknown): Promise<void> {
    const text = `${JSON.stringify(value, null, 2)}\n`
    const bytes = Buffer.byteLength(text)
    if (bytes > MAX_FILE_BYTES) throw new RangeError(`${name} would have ${bytes} bytes`)
    await writeFile(join(this.directory, name), text, { mode: 0o600, flag: 'wx', flush: true })
    this.#files.push({ name, bytes, sha256: digestOf(text) })
  }

  /** A second name for the file: what removes the first leaves this. */
  async keep(name: string, source: string): Promise<void> {
    await link(source, join(this.directory, name))
    this.#files.push({ name, bytes: (await lstat(source)).size, sha256: null })
  }

  /**
   * Writes the index, in its RFC 8785 form so that its plain SHA-256 is the digest.
   *
   * @param about what else the index says
   */
  async seal(about: Record<string, unknown>): Promise<string> {
    const files = this.#files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const index = canonicalJson({ version: 1, ...about, files, failures: [...this.failures] })
    await this.attempt('index.json', 2000, () =>
      writeFile(join(this.directory, 'index.json'), index, {
        mode: 0o600,
        flag: 'wx',
        flush: true,
      }),
    )
    return digestOf(index)
  }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
