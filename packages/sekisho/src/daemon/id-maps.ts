import { openUserNamespace } from '../kernel/user-namespace.ts'
import { libc } from '../kernel/libc.ts'

type Wanted = { uid: number; gid: number; shownAs: number }

/** Namespaces kept open; each is one descriptor. The oldest goes first. */
const MAX_KEPT = 256

/**
 * User namespaces for id-mapped mounts, by owner on disk and owner shown. Making one takes a
 * process and some milliseconds, so they are kept, and one is made ahead for the next session.
 */
export class IdMaps {
  readonly #kept = new Map<string, Promise<number>>()

  get({ uid, gid, shownAs }: Wanted): Promise<number> {
    const key = `${uid}:${gid}:${shownAs}`
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const opened = openUserNamespace({
      uid: [{ inside: uid, outside: shownAs, count: 1 }],
      gid: [{ inside: gid, outside: shownAs, count: 1 }],
    })
    opened.catch(() => this.#kept.delete(key)) // the caller gets the error; the next one tries again
    this.#kept.set(key, opened)
    this.#forgetOldest()
    return opened
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept
    if (this.#kept.size <= MAX_KEPT || oldest === undefined) return
    this.#kept.delete(oldest[0])
    void oldest[1].then((fd) => libc.close(fd))
  }
}
