import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { SNAPSHOT_ID, type SnapshotIndex } from '../sandbox/snapshot-index.ts'
import { readSnapshot } from '../sandbox/snapshot-restore.ts'
import { isMissing } from './session-record.ts'

export type KeptSnapshot = { id: string; names: readonly string[]; index: SnapshotIndex }

const NAMES = 'names'
/** Shorter beginnings of an id are refused: another could come to fit tomorrow. */
const SHORTEST = /^w-[0-9a-f]{6,40}$/

/** Where snapshots are kept: one directory each, called by its content, and names that lead there. */
export class SnapshotStore {
  readonly directory: string

  /** @param state the platform's state directory */
  constructor(state: string) {
    this.directory = join(state, 'snapshots')
  }

  /** Makes it, and removes what a crash left half-made. */
  prepare(): void {
    mkdirSync(join(this.directory, NAMES), { recursive: true, mode: 0o700 })
    for (const name of readdirSync(this.directory)) {
      if (name.startsWith('.new-')) rmSync(join(this.directory, name), { recursive: true })
    }
  }

  /** @throws SekishoError SNAPSHOT_INVALID for a name that is taken or none */
  checkName(name: string): void {
    if (!isName(name)) {
      throw new SekishoError('SNAPSHOT_INVALID', `${JSON.stringify(name)} is no name`, {
        hint: 'use up to 63 lower-case letters, digits, dots, - and _, beginning with a letter',
      })
    }
    if (this.#named(name) !== undefined) {
      throw new SekishoError('SNAPSHOT_INVALID', `there is a snapshot ${name} already`, {
        hint: `remove it with \`sekisho snapshot --remove ${name}\`, or use another name`,
      })
    }
  }

  /** @throws SekishoError as {@link checkName} */
  giveName(id: string, name: string): void {
    this.checkName(name)
    const draft = join(this.directory, `.new-${name}`)
    writeFileSync(draft, `${id}\n`, { mode: 0o600 })
    try {
      linkSync(draft, join(this.directory, NAMES, name)) // fails where another was quicker
    } finally {
      rmSync(draft)
    }
  }

  /**
   * The id that a name, an id or the unambiguous beginning of one means.
   *
   * @throws SekishoError SNAPSHOT_INVALID
   */
  resolve(text: string): string {
    const named = isName(text) ? this.#named(text) : undefined
    if (named !== undefined) return named
    const fits = SHORTEST.test(text) ? this.#ids().filter((id) => id.startsWith(text)) : []
    const [only, ...more] = fits
    if (only !== undefined && more.length === 0) return only
    const problem = only === undefined ? 'is no snapshot' : 'fits several snapshots'
    throw new SekishoError('SNAPSHOT_INVALID', `${JSON.stringify(text)} ${problem}`, {
      hint: 'run `sekisho snapshot --list`',
    })
  }

  /** @throws SekishoError SNAPSHOT_INVALID when it is damaged */
  read(id: string): Promise<SnapshotIndex> {
    return readSnapshot(this.directory, id)
  }

  /** Oldest first. @returns those that are damaged by their ids alone */
  async list(): Promise<{ kept: KeptSnapshot[]; damaged: string[] }> {
    const kept: KeptSnapshot[] = []
    const damaged: string[] = []
    const names = this.#names()
    for (const id of this.#ids()) {
      const called = names.filter((entry) => entry.id === id).map(({ name }) => name)
      const index = await this.read(id).catch(onlyInvalid)
      if (index === undefined) damaged.push(id)
      else kept.push({ id, names: called, index })
    }
    kept.sort((a, b) => a.index.takenAt.localeCompare(b.index.takenAt))
    return { kept, damaged }
  }

  /** With every name of it. */
  remove(id: string): void {
    for (const entry of this.#names()) {
      if (entry.id === id) rmSync(join(this.directory, NAMES, entry.name))
    }
    rmSync(join(this.directory, id), { recursive: true })
  }

  #ids(): string[] {
    return listOf(this.directory).filter((name) => SNAPSHOT_ID.test(name))
  }

  #names(): { name: string; id: string }[] {
    return listOf(join(this.directory, NAMES)).map((name) => ({
      name,
      id: this.#named(name) ?? '',
    }))
  }

  #named(name: string): string | undefined {
    try {
      const id = readFileSync(join(this.directory, NAMES, name), 'utf8').trim()
      return SNAPSHOT_ID.test(id) ? id : undefined
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
}

/** No name looks like an id. */
function isName(text: string): boolean {
  return /^[a-z][a-z0-9._-]{0,62}$/.test(text) && !/^w-[0-9a-f]+$/.test(text)
}

function listOf(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function onlyInvalid(error: unknown): undefined {
  if (error instanceof SekishoError && error.code === 'SNAPSHOT_INVALID') return undefined
  throw error
}
