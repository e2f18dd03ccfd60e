import { type AttemptedFile, type Caller, readParent } from './exec-attempt.ts'

/** Processes of which the last exec is known; a session of the usual limit has fewer. */
const MAX_PROCESSES = 1024
const MAX_ANCESTORS = 4

type Executed = Pick<AttemptedFile, 'path' | 'stats'>
type Program = { path: string; argv: readonly string[] }
type Known = Program & { untouched: Executed | undefined }

/** What the processes of a session executed last. */
export class ExecLineage {
  /** by process, or thread where they differ; oldest exec first */
  readonly #known = new Map<number, Known>()

  /** @param untouched the file, when it is to be looked at again before it runs */
  allowed(
    tid: number,
    { pid, path, argv }: { pid: number; path: string; argv: readonly string[] },
    untouched: Executed | undefined,
  ): void {
    const known = { path, argv, untouched }
    for (const id of new Set([tid, pid])) {
      this.#known.delete(id)
      this.#known.set(id, known)
    }
    while (this.#known.size > MAX_PROCESSES) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#known.delete(oldest)
    }
  }

  has(tid: number): boolean {
    return this.#known.has(tid)
  }

  /** What a process executed last, or the nearest of its ancestors, of which subshells are some. */
  callerOf({ pid, parent }: Pick<Caller, 'pid' | 'parent'>): Program | undefined {
    let known = this.#known.get(pid) ?? this.#known.get(parent)
    let at = parent
    for (let step = 0; known === undefined && at > 1 && step < MAX_ANCESTORS; step += 1) {
      at = readParent(at)
      known = this.#known.get(at)
    }
    return known
  }

  untouched(tid: number): Executed | undefined {
    return this.#known.get(tid)?.untouched
  }
}
