import { hash } from 'node:crypto'

/** 22 characters of base64url: 132 bits of SHA-256, which nobody finds a second URL for. */
const KEY_LENGTH = 22
/** about 8 MB of memory for one session */
const MAX_URLS = 65_536
/** kept free for what people say: task and approvals */
const RESERVED = 4096

export type UrlOrigin = 'task' | 'index' | 'approved' | 'redirect'

/**
 * URLs of which the text is known not to come from what the session must keep: each as a hash.
 * Never forgets and never grows past its bound; what does not fit is not known.
 */
export class UrlLedger {
  readonly #known = new Map<string, UrlOrigin>()
  readonly #maxUrls: number
  #leftOut = 0

  constructor(maxUrls = MAX_URLS) {
    this.#maxUrls = maxUrls
  }

  get size(): number {
    return this.#known.size
  }

  /** URLs that there was no room for */
  get leftOut(): number {
    return this.#leftOut
  }

  /** @param url canonical text, as urlsOfLink and urlOfRequest write it */
  add(url: string, origin: UrlOrigin): void {
    const key = keyOf(url)
    if (this.#known.has(key)) return
    const isSaidByPeople = origin === 'task' || origin === 'approved'
    const room = isSaidByPeople
      ? this.#maxUrls
      : this.#maxUrls - Math.min(RESERVED, this.#maxUrls / 2)
    if (this.#known.size < room) this.#known.set(key, origin)
    else this.#leftOut += 1
  }

  originOf(url: string): UrlOrigin | undefined {
    return this.#known.get(keyOf(url))
  }
}

function keyOf(url: string): string {
  return hash('sha256', url, 'base64url').slice(0, KEY_LENGTH)
}
