import type { AttemptedFile } from './exec-attempt.ts'

/** Processes of which the last exec is known; a session of the usual limit has fewer. */
const MAX_PROCESSES = 1024

type Executed = Pick<AttemptedFile, 'path' | 'stats'>
type Known = { path: string; argv: readonly string[]; untouched: Executed | undefined }

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

  lastOf(pid: number): { path: string; argv: readonly string[] } | undefined {
    return this.#known.get(pid)
  }

  untouched(tid: number): Executed | undefined {
    return this.#known.get(tid)?.untouched
  }
}
