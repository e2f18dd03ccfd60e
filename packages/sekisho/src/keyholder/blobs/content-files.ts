import { constants, readdirSync, rmSync, statfsSync, statSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../../disk/make-directory.ts'
import { syncDirectory } from '../log/files.ts'

/** As of the log's segments: what `write` returns as written is durable. */
const WRITE_DURABLY =
  constants.O_CREAT |
  constants.O_EXCL |
  constants.O_WRONLY |
  constants.O_DSYNC |
  constants.O_NOFOLLOW
const UNFINISHED = '.unfinished'

export type ContentFile = { name: string; bytes: number; writtenMs: number }

/** One directory of files that are there whole or not at all. */
export class ContentFiles {
  readonly #dir: string
  #turn = 0
  #sync: Promise<void> | undefined

  /** Makes the directory and removes what was never finished. */
  constructor(dir: string) {
    this.#dir = dir
    if (makeDirectories(dir, 0o700) !== undefined) syncDirectory(dirname(dir))
    for (const name of readdirSync(dir)) {
      if (name.endsWith(UNFINISHED)) rmSync(join(dir, name))
    }
  }

  /** @param isOurs names of others, such as the lock's own, are left alone */
  list(isOurs: RegExp): ContentFile[] {
    return readdirSync(this.#dir)
      .filter((name) => isOurs.test(name))
      .map((name) => {
        const { size, mtimeMs } = statSync(join(this.#dir, name))
        return { name, bytes: size, writtenMs: mtimeMs }
      })
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#dir)
    return bavail * bsize
  }

  /** Durable, name and all, when it resolves. */
  async write(name: string, bytes: Buffer): Promise<void> {
    const unfinished = join(this.#dir, `${name}.${this.#turn++}${UNFINISHED}`)
    try {
      const file = await open(unfinished, WRITE_DURABLY, 0o600)
      try {
        await file.writeFile(bytes)
      } finally {
        await file.close()
      }
      await rename(unfinished, join(this.#dir, name))
    } catch (thrown) {
      await rm(unfinished, { force: true })
      throw thrown
    }
    await this.syncNames()
  }

  read(name: string): Promise<Buffer> {
    return readFile(join(this.#dir, name))
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(join(this.#dir, name), { force: true })
    if (names.length > 0) await this.syncNames()
  }

  /** One flush for all whose names changed in this turn; they are durable when it resolves. */
  syncNames(): Promise<void> {
    this.#sync ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#sync = undefined
        try {
          syncDirectory(this.#dir)
          resolve()
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        }
      })
    })
    return this.#sync
  }
}
