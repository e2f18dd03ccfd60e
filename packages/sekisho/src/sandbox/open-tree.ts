import { type BigIntStats, constants, writeSync } from 'node:fs'
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises'
import { SekishoError } from '../core/error.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/**
 * One directory of a tree whose contents others may change at any time, held open.
 *
 * Everything in it is reached through its descriptor, one name at a time and never through a
 * symbolic link: renaming a directory away and putting a link in its place leads nowhere.
 */
export class OpenDirectory {
  readonly handle: FileHandle

  private constructor(handle: FileHandle) {
    this.handle = handle
  }

  /** @param path trusted: its own links are followed, except the last one */
  static async at(path: string): Promise<OpenDirectory> {
    return new OpenDirectory(await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
  }

  /**
   * A directory further down, from one name to the next. The caller closes it.
   *
   * @param root trusted, as in {@link OpenDirectory.at}
   * @throws ENOTDIR or ELOOP when one of them is no directory (any more)
   */
  static async within(root: string, names: readonly string[]): Promise<OpenDirectory> {
    let current = await OpenDirectory.at(root)
    for (const name of names) {
      const parent = current
      try {
        current = await parent.directory(name)
      } finally {
        await parent.close()
      }
    }
    return current
  }

  /** @throws ENOTDIR or ELOOP when it is no directory (any more) */
  async directory(name: string): Promise<OpenDirectory> {
    return OpenDirectory.at(this.path(name))
  }

  /** For reading; never waits for the other side of a fifo. */
  async file(name: string): Promise<FileHandle> {
    return open(this.path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  }

  /** Names in byte order. `unreadable` are those that are not UTF-8 and so cannot be named. */
  async names(): Promise<{ names: string[]; unreadable: string[] }> {
    const raw = await readdir(`/proc/self/fd/${this.handle.fd}`, { encoding: 'buffer' })
    const sorted = raw
      .toSorted((a, b) => a.compare(b))
      .map((bytes) => ({ bytes, name: bytes.toString() }))
    const exact = ({ bytes, name }: { bytes: Buffer; name: string }): boolean =>
      Buffer.from(name).equals(bytes)
    return {
      names: sorted.filter(exact).map(({ name }) => name),
      unreadable: sorted.filter((entry) => !exact(entry)).map(({ name }) => name),
    }
  }

  /** Of the entry itself, also of a link; undefined when there is none. */
  async status(name: string): Promise<BigIntStats | undefined> {
    try {
      return await lstat(this.path(name), { bigint: true })
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** For one system call on that entry; the name is one component. */
  path(name: string): string {
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw new SekishoError('INTERNAL', `${JSON.stringify(name)} is not a name`)
    }
    return `/proc/self/fd/${this.handle.fd}/${name}`
  }

  close(): Promise<void> {
    return this.handle.close()
  }
}

/** A file may take less at a time than it is given (`write(2)`). */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
