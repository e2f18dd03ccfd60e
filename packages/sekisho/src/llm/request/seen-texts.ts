import { hash } from 'node:crypto'
import type { ChannelText } from '../format.ts'

/** Texts that are remembered; the oldest is told as fresh again. */
const MAX_TEXTS = 4096
/** 132 bits */
const DIGEST_CHARACTERS = 22

/** What has been said in a session, channel by channel. */
export class SeenTexts {
  readonly #seen = new Set<string>()

  /** @returns those that are not known, each once, and knows them from now on */
  takeFresh(texts: Iterable<ChannelText>): ChannelText[] {
    const fresh: ChannelText[] = []
    for (const said of texts) if (this.#isNew(said)) fresh.push(said)
    return fresh
  }

  #isNew({ channel, text }: ChannelText): boolean {
    const digest = hash('sha256', text, 'base64url').slice(0, DIGEST_CHARACTERS)
    const key = `${channel} ${digest}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    if (this.#seen.size > MAX_TEXTS) {
      const [oldest] = this.#seen
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    return true
  }
}
