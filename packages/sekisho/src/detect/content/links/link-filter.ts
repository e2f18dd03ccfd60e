import { type OneTextFilter, perStream, type TextFilter } from '../reply/text-filter.ts'
import { type LinkPlace, LinkPlaces, MARKS } from './link-places.ts'
import { linkTargets } from './link-target.ts'
import { MAX_URL_DATA_BITS, urlDataBits } from './url-data.ts'

/**
 * A link in a reply that can carry data out: an image is fetched as soon as it is shown, and its
 * address tells its host what the model wrote into it.
 */
export type LinkFinding = {
  id: 'exfiltration.image' | 'exfiltration.link'
  /**
   * `host`: the session may not reach it. `data`: the address says more than one of a page does.
   * `unclear`: no two readers agree where it leads.
   */
  why: 'host' | 'data' | 'unclear'
  /** canonical; empty where it is unclear, or leads to a program */
  host: string
}

export type LinkRules = {
  /** whether the session itself may reach the host of this address */
  reaches(url: URL): boolean
  /** Told of each finding in order; what it answers is done. */
  treat(finding: LinkFinding): 'record' | 'redact'
}

/** What stands in place of an address: a host that there never is (RFC 2606 §2). */
export const REMOVED_HOST = 'link-removed.invalid/'

/** No address of a page is longer; one that is carries data. */
export const MAX_LINK_CHARACTERS = 4_096

/**
 * Looks at the addresses in the texts of a reply: links and images of Markdown, inline and by
 * reference, attributes of HTML, sheets, and addresses as they are. Only an address is held back, and
 * only until it is whole; all other text passes at once and unchanged.
 */
export function linkFilter(rules: LinkRules): TextFilter {
  return perStream(() => new LinkFilter(rules))
}

type Held = { place: LinkPlace; text: string; open: string; isOver: boolean }

class LinkFilter implements OneTextFilter {
  readonly #rules: LinkRules
  readonly #places = new LinkPlaces()
  #held: Held | undefined

  constructor(rules: LinkRules) {
    this.#rules = rules
  }

  push(text: string): string {
    let out = ''
    let at = 0
    while (at < text.length) {
      if (this.#held === undefined && !this.#places.isWaiting) {
        const next = nextMark(text, at)
        out += text.slice(at, next)
        this.#places.pass(text.slice(at, next))
        at = next
        if (at === text.length) break
      }
      out += this.#take(text[at] ?? '')
      at += 1
    }
    return out
  }

  end(): string {
    return this.#release()
  }

  #take(character: string): string {
    if (this.#held !== undefined) {
      if (!isEnd(character, this.#held)) return this.#hold(this.#held, character)
      return this.#release() + this.#take(character)
    }
    const place = this.#places.beginsAt(character)
    if (place === undefined) {
      this.#places.take(character)
      return character
    }
    this.#held = { place, text: '', open: '', isOver: false }
    return this.#take(character)
  }

  #hold(held: Held, character: string): string {
    if (character === '(' || character === '[') held.open += character
    if (character === ')' || character === ']') held.open = held.open.slice(0, -1)
    if (held.isOver) return held.text === '' ? '' : character
    held.text += character
    if (held.text.length < MAX_LINK_CHARACTERS) return ''
    held.isOver = true
    return this.#judgeLong(held)
  }

  /** The rest of it goes the way of its beginning, unseen. */
  #judgeLong(held: Held): string {
    const treatment = this.#rules.treat({ id: idOf(held.place), why: 'data', host: '' })
    const { text } = held
    if (treatment === 'record') return text
    held.text = ''
    return removedFrom(held.place)
  }

  #release(): string {
    const held = this.#held
    this.#held = undefined
    if (held === undefined) return ''
    const out = held.isOver ? '' : this.#judge(held)
    this.#places.skip(out.slice(-1))
    return out
  }

  #judge({ place, text }: Held): string {
    let isRedacted = false
    for (const finding of this.#findings(place, text)) {
      if (this.#rules.treat(finding) === 'redact') isRedacted = true
    }
    return isRedacted ? removedFrom(place) : text
  }

  #findings(place: LinkPlace, text: string): LinkFinding[] {
    const id = idOf(place)
    // where the bracket before it was none, the address begins behind the next
    const targets = text
      .split('](')
      .flatMap((part, index) =>
        linkTargets(index === 0 ? place.prefix + part : part, place.context),
      )
    return targets.flatMap((target): LinkFinding[] => {
      if (target.kind === 'unclear') return [{ id, why: 'unclear', host: '' }]
      const { host, url } = target
      if (host !== '' && !this.#rules.reaches(url)) return [{ id, why: 'host', host }]
      return urlDataBits(url) > MAX_URL_DATA_BITS ? [{ id, why: 'data', host }] : []
    })
  }
}

const idOf = ({ isImage }: LinkPlace): LinkFinding['id'] =>
  isImage ? 'exfiltration.image' : 'exfiltration.link'

/** Where the scheme has passed already, the rest of an address. */
function removedFrom({ prefix }: LinkPlace): string {
  return prefix === '' ? `https://${REMOVED_HOST}` : REMOVED_HOST
}

function nextMark(text: string, from: number): number {
  MARKS.lastIndex = from
  const mark = MARKS.exec(text)
  return mark === null ? text.length : mark.index
}

/** White space, brackets and quotes of CJK, and what no address has as it is. */
const ENDS_TEXT = /[\s<>"`\u3000-\u3002\u300a-\u3011\uff01\uff08\uff09\uff0c\uff1b\uff1f]/

type Ending = (character: string, open: string) => boolean

const ENDINGS: Readonly<Record<LinkPlace['ends'], Ending>> = {
  quote: (character) => character === '"',
  apostrophe: (character) => character === "'",
  angle: (character) => character === '>' || character === '\n',
  tag: (character) => character === '>' || /\s/.test(character),
  space: (character) => /\s/.test(character),
  parenthesis: (character, open) =>
    /\s/.test(character) || (character === ')' && !open.includes('(')),
  text: (character, open) => ENDS_TEXT.test(character) || isUnopened(character, open),
}

function isEnd(character: string, { place, open }: Held): boolean {
  return ENDINGS[place.ends](character, open)
}

function isUnopened(character: string, open: string): boolean {
  return (character === ')' && !open.includes('(')) || (character === ']' && !open.includes('['))
}
