import { TagTracker } from './reasoning-tags.ts'
import { OPENING, type Places, TRIGGERS } from './text-call-openings.ts'
import { perStream, type TextFilter } from './text-filter.ts'

/** What breaks a spelling; no spelling of a call has a parenthesis here. */
export const TEXT_CALL_MARK = '(Sekisho: text, not a call) '

/**
 * Some clients run calls that stand as plain text in a reply: OpenClaw takes a text that consists of
 * them for calls (`projectStandalonePlainTextToolCallMessage`, 2026.9), and DeepSeek's own spelling
 * anywhere in one. No event tells of such a call, so nothing holds it. A mark in the midst of its
 * opening makes it text for good. All other text passes at once, unchanged: nothing is held back.
 *
 * Texts of one reply are read one by one and as one, as the client puts them together; a part's end
 * is a line's end then.
 *
 * @param found told of each call
 */
export function textCallFilter(found: () => void): TextFilter {
  const all = new Reader()
  let last: string | undefined
  return perStream((stream) => {
    // what a model thinks is signed, and no client looks for calls in it
    if (stream.startsWith('thinking:')) return { push: (text) => text, end: () => '' }
    const own = new Reader()
    return {
      push: (text) => {
        if (text === '') return ''
        if (stream !== last) all.nextPart()
        last = stream
        return marked(text, [own, all], found)
      },
      end: () => '',
    }
  })
}

function marked(text: string, readers: readonly [Reader, Reader], found: () => void): string {
  const [own, all] = readers
  let out = ''
  let from = 0
  for (let at = 0; at < text.length; at += 1) {
    if (own.isIdle && all.isIdle) {
      at = text.indexOf('<', at)
      if (at === -1) break
    }
    const character = text[at] ?? ''
    const isOpened = [own.take(character), all.take(character)].includes(true)
    if (!isOpened) continue
    out += text.slice(from, at) + TEXT_CALL_MARK
    from = at
    found()
    own.broken(character)
    all.broken(character)
  }
  return out + text.slice(from)
}

/** Where in the openings of calls a text may be. */
class Reader {
  #places: Places = OPENING.start
  /** what goes on behind a tag that the client takes out of the text */
  #behindTag: Places = OPENING.start
  readonly #tag = new TagTracker()

  /** only `<` can begin something */
  get isIdle(): boolean {
    return this.#places.size === 0 && !this.#tag.isOpen
  }

  /** @returns whether a call is open with this character */
  take(character: string): boolean {
    if (character === '<') this.#behindTag = union(this.#behindTag, this.#places)
    const isTagEnd = this.#tag.take(character)
    const next = OPENING.step(this.#places, character)
    this.#places = isTagEnd ? union(next, this.#behindTag) : next
    return next.has(TRIGGERS)
  }

  /** A mark stands in front of this character. */
  broken(character: string): void {
    this.#places = OPENING.step(new Set(), character)
  }

  /** Another text begins: of the same message, or behind something that ends what was. */
  nextPart(): void {
    this.#places = union(OPENING.step(this.#places, '\n'), union(this.#places, OPENING.start))
  }
}

function union(one: Places, other: Places): Places {
  return new Set([...one, ...other])
}
