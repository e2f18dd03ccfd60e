import type { LinkContext } from './link-target.ts'

/** An address begins here, and what would end it. */
export type LinkPlace = {
  context: LinkContext
  /** fetched as soon as it is shown */
  isImage: boolean
  /** of the address, already passed on */
  prefix: string
  ends: 'space' | 'parenthesis' | 'angle' | 'quote' | 'apostrophe' | 'tag' | 'text'
}

/** What `take` has to see one by one. */
export const MARKS = /[[\](:=/.<>]/g

const MAX_DEPTH = 64
const TAIL = 48
const LONG_TAIL = 1024
const SCHEME = /(?:https?|wss?|ftp):\/\/$/i
const WWW = /(?:^|[^a-z0-9.-])www\.$/i
const ATTRIBUTE =
  /(?:^|[\s"'/<])(src|href|srcset|imagesrcset|data|poster|action|formaction|background|style|content|xlink:href|ping|cite|longdesc|lowsrc|dynsrc|icon|manifest)\s*=$/i
/** Attributes that are followed on a click only. */
const CLICKED = new Set(['href', 'action', 'formaction', 'cite', 'longdesc'])
const SETS = new Set(['srcset', 'imagesrcset', 'style', 'content', 'ping'])
/** Elements whose `href` is fetched at once. */
const FETCHING = new Set(['link', 'image', 'use', 'feimage', 'script', 'base', 'pattern'])
const MAX_NAME = 16
const CSS_URL = /(?:^|[^a-z0-9-])url\($/i

/** Ends what one image may be written in. */
const BLANK_LINE = /\n[ \t\r]*\n/
const AT_LINE_START = /\n[ \t\r]*$/
/** Before a bracket, around it, or around a tag with one: then it is none of Markdown. */
const MAY_HIDE_BRACKET = /[\\`<]/

type Awaited = { place: LinkPlace; quotes: boolean; angle: boolean }

/**
 * Watches a text go by, and tells where the address of a link begins: in Markdown, in HTML, in a
 * sheet, or as it is. Everything before has passed by then.
 */
export class LinkPlaces {
  #tail = ''
  #images: boolean[] = []
  #depth = 0
  #closedImage = false
  /** of `#images`, those of paragraphs before */
  #earlier = 0
  /** a bracket in the words of an image may be none: whatever follows may be the image's address */
  #isUnsure = false
  #isLineStart = false
  #awaited: Awaited | undefined
  /** the element that the text may be in; `<` where its name has not come */
  #element = ''

  get isWaiting(): boolean {
    return this.#awaited !== undefined || this.#element.startsWith('<')
  }

  /**
   * @returns the place when this character is the first of an address, which then has not been seen
   *   here; `take` is for what passes
   */
  beginsAt(character: string): LinkPlace | undefined {
    const awaited = this.#awaited
    if (awaited === undefined) return undefined
    if (character.trim() === '') {
      if (awaited.place.context === 'bare') this.#awaited = undefined
      return undefined
    }
    if (awaited.angle && character === '<') {
      this.#awaited = { place: { ...awaited.place, ends: 'angle' }, quotes: false, angle: false }
      return undefined
    }
    if (awaited.quotes && (character === '"' || character === "'")) {
      const ends = character === '"' ? 'quote' : 'apostrophe'
      this.#awaited = { place: { ...awaited.place, ends }, quotes: false, angle: false }
      return undefined
    }
    this.#awaited = undefined
    return awaited.place
  }

  /** Text without any of `MARKS`, which passes. */
  pass(text: string): void {
    this.#noteParagraph(text)
    const words = text.trimEnd()
    // any number of spaces may stand before the sign behind an attribute
    if (words.length === text.length) this.#tail += text.slice(-TAIL)
    else this.#tail = `${words === '' ? this.#tail.trimEnd() : words.slice(-TAIL)} `
    // cut now and then: what is put together of many short texts is copied for each cut
    if (this.#tail.length > LONG_TAIL) this.#tail = this.#tail.slice(-TAIL)
  }

  /** A character that passes; after it an address may begin. */
  take(character: string): void {
    this.#noteParagraph(character)
    const before = this.#tail.slice(-TAIL)
    this.#tail = (before + character).slice(-TAIL)
    if (this.#element.startsWith('<')) this.#nameElement(character)
    this.#after[character]?.(before)
  }

  /** What each mark may begin or end, told what stands before it. */
  readonly #after: Readonly<Record<string, (before: string) => void>> = {
    '<': () => {
      this.#element = '<'
    },
    '>': () => {
      this.#element = ''
    },
    '[': (before) => this.#open(before.endsWith('!')),
    ']': () => this.#close(),
    '(': (before) => this.#afterParenthesis(before),
    ':': (before) => this.#afterColon(before),
    '=': () => this.#afterEquals(),
    '/': (before) => this.#afterSlash(before),
    '.': (before) => this.#afterDot(before),
  }

  /** An address has passed, or what stands for it. */
  skip(last: string): void {
    this.#tail = last
    this.#isLineStart = false
    this.#awaited = undefined
  }

  #noteParagraph(text: string): void {
    const started = this.#isLineStart ? `\n${text}` : text
    this.#isLineStart = AT_LINE_START.test(started)
    const rest = started.split(BLANK_LINE)
    if (rest.length > 1) {
      this.#isUnsure = false
      this.#earlier = this.#images.length
    }
    if (!this.#images.includes(true, this.#earlier)) return
    this.#isUnsure ||= MAY_HIDE_BRACKET.test(rest.at(-1) ?? '')
  }

  #nameElement(character: string): void {
    const isName = /[a-z]/i.test(character) && this.#element.length < MAX_NAME
    this.#element = isName ? this.#element + character.toLowerCase() : this.#element.slice(1)
  }

  #open(isImage: boolean): void {
    this.#depth += 1
    if (this.#images.length < MAX_DEPTH) this.#images.push(isImage)
  }

  #close(): void {
    // deeper than anybody writes: taken for the worse
    if (this.#depth > MAX_DEPTH) this.#closedImage = true
    else this.#closedImage = this.#images.pop() ?? false
    this.#depth = Math.max(0, this.#depth - 1)
    this.#earlier = Math.min(this.#earlier, this.#images.length)
  }

  /** The definition of a reference, which an image may use before or after it. */
  #afterColon(before: string): void {
    if (!before.endsWith(']')) return
    this.#await('markdown', { isImage: true, ends: 'space', angle: true })
  }

  #afterParenthesis(before: string): void {
    if (before.endsWith(']')) {
      this.#await('markdown', {
        isImage: this.#closedImage || this.#isUnsure,
        ends: 'parenthesis',
        angle: true,
      })
    } else if (CSS_URL.test(this.#tail)) {
      this.#await('css', { isImage: true, ends: 'parenthesis', quotes: true })
    }
  }

  #afterEquals(): void {
    const name = ATTRIBUTE.exec(this.#tail)?.[1]?.toLowerCase()
    if (name === undefined) return
    const isImage = !CLICKED.has(name) || FETCHING.has(this.#element)
    const context = SETS.has(name) ? 'set' : 'attribute'
    this.#await(context, { isImage, ends: 'tag', quotes: true })
  }

  #afterSlash(before: string): void {
    if (!before.endsWith(':/')) return
    const scheme = SCHEME.exec(this.#tail)?.[0]
    if (scheme !== undefined) this.#await('bare', { isImage: false, ends: 'text', prefix: scheme })
  }

  #afterDot(before: string): void {
    if (!/w$/i.test(before) || !WWW.test(this.#tail)) return
    this.#await('bare', { isImage: false, ends: 'text', prefix: 'http://www.' })
  }

  #await(
    context: LinkContext,
    of: Pick<LinkPlace, 'isImage' | 'ends'> & {
      prefix?: string
      quotes?: boolean
      angle?: boolean
    },
  ): void {
    const place = { context, isImage: of.isImage, ends: of.ends, prefix: of.prefix ?? '' }
    this.#awaited = { place, quotes: of.quotes ?? false, angle: of.angle ?? false }
  }
}
