import { urlsOfLink } from './canonical-url.ts'
import { decodeEntities, readingsOf, untilClosed } from './link-text.ts'

/** No link is longer; what is, is cut and fits no request. */
const MAX_LINK = 2048
/** How far behind a match its meaning can begin (`<base … href=`). */
const CONTEXT = 256
/** A match and what decides about it: only what begins this far before the end is certain. */
const LOOKAHEAD = MAX_LINK + 64
/** Of one reply: more is not read, so it is not known. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_URLS = 20_000
/** Text is looked at in pieces of this size, however the bytes come. */
const PIECE = 64 * 1024

/**
 * Each alternative takes what it has looked at, so no text makes the search go over it again.
 * 1 absolute URL; 2–4 value of an attribute; 5 Markdown inline; 6 Markdown reference; 7 CSS.
 */
const LINKS = new RegExp(
  [
    String.raw`(https?:(?:\\?\/){2}[^\s"'<>${'`'}\0-\x1f]{1,${MAX_LINK}})`,
    String.raw`(?<=[\s"'/])(?:href|src|srcset|poster|data-src)\s{0,8}=\s{0,8}(?:"([^"]{0,${MAX_LINK}})|'([^']{0,${MAX_LINK}})|([^\s"'<>${'`'}]{1,${MAX_LINK}}))`,
    String.raw`\]\(\s{0,4}<?([^\s<>]{1,${MAX_LINK}})`,
    String.raw`(?<=\n {0,3}\[[^\]\n]{1,128}\]:)[ \t]{1,8}<?([^\s<>]{1,${MAX_LINK}})`,
    String.raw`(?<=[\s:,])url\(\s{0,4}["']?([^"')\s]{1,${MAX_LINK}})`,
  ].join('|'),
  'gi',
)

/**
 * Finds the links in a document as it goes by: absolute URLs anywhere, also JSON-escaped; HTML and
 * XML attributes; Markdown; CSS. What it finds does not depend on how the bytes were cut, and takes
 * time and memory in proportion to them. Finding too little is safe: an unknown URL is denied.
 */
export class UrlExtractor {
  #base: string
  readonly #pieceChars: number
  readonly #decoder = new TextDecoder('utf-8')
  readonly #seen = new Set<string>()
  #text = ''
  /** up to here in `#text` everything has been looked at */
  #at = 0
  #bytes = 0
  #hasBase = false

  /**
   * @param page URL of the document: canonical, and what relative links are resolved against
   * @param pieceChars how much text is waited for before it is looked at
   */
  constructor(page: string, pieceChars = PIECE) {
    this.#base = page
    this.#pieceChars = pieceChars
  }

  /** @returns canonical URLs that have become certain with this piece, none twice */
  push(bytes: Uint8Array): readonly string[] {
    const room = MAX_BYTES - this.#bytes
    if (room <= 0) return []
    this.#bytes += bytes.byteLength
    this.#text += this.#decoder.decode(bytes.subarray(0, room), { stream: true })
    if (this.#text.length - this.#at < this.#pieceChars + LOOKAHEAD) return []
    return this.#read(this.#text.length - LOOKAHEAD)
  }

  /** The rest; nothing may be pushed afterwards. */
  end(): readonly string[] {
    this.#text += this.#decoder.decode()
    return this.#read(this.#text.length)
  }

  /** @param limit matches that begin behind it wait for more text */
  #read(limit: number): readonly string[] {
    const found: string[] = []
    LINKS.lastIndex = this.#at
    for (let match = LINKS.exec(this.#text); match !== null; match = LINKS.exec(this.#text)) {
      if (match.index >= limit) break
      this.#at = match.index + this.#take(match, found)
      LINKS.lastIndex = this.#at
    }
    this.#at = Math.max(this.#at, Math.min(limit, this.#text.length))
    const drop = Math.max(0, this.#at - CONTEXT)
    this.#text = this.#text.slice(drop)
    this.#at -= drop
    return found
  }

  /** @returns how much of the text the match has used up */
  #take(match: RegExpExecArray, into: string[]): number {
    const [whole, absolute, double, single, bare, inline, reference, css] = match
    if (absolute !== undefined) {
      // The text of a Markdown link can be a URL: `[https://a](https://b)`
      const [url = ''] = absolute.split('](', 1)
      for (const reading of readingsOf(url)) this.#learn(reading, into)
      // Behind a bracket that closes there may be the next link: `](https://a)[b](https://c)`
      return Math.min(url.length, untilClosed(url).length + 1)
    }
    if (inline !== undefined) {
      const link = untilClosed(inline)
      this.#learn(link, into)
      return whole.length - inline.length + Math.max(1, link.length)
    }
    const other = reference ?? css
    if (other !== undefined) {
      this.#learn(other, into)
      return whole.length
    }
    return this.#takeAttribute(match, double ?? single ?? bare ?? '', into)
  }

  #takeAttribute(match: RegExpExecArray, value: string, into: string[]): number {
    const [whole] = match
    const quote = whole[whole.length - value.length - 1]
    this.#learnAttribute(value, match, into)
    if (quote !== '"' && quote !== "'") return whole.length
    // Where the quote is not closed the value is none, and what is in it is looked at.
    const isClosed = this.#text[match.index + whole.length] === quote
    return isClosed ? whole.length : whole.length - value.length
  }

  #learnAttribute(value: string, match: RegExpExecArray, into: string[]): void {
    const link = decodeEntities(value)
    if (/^srcset/i.test(match[0])) {
      for (const candidate of link.split(',')) {
        this.#learn(candidate.trim().split(/\s/, 1)[0] ?? '', into)
      }
      return
    }
    const before = this.#text.slice(Math.max(0, match.index - CONTEXT), match.index)
    if (!this.#hasBase && /<base\s[^<>]*$/i.test(before)) this.#rebase(link)
    else this.#learn(link, into)
  }

  /** HTML: the first one counts, for all links of the document that come after it. */
  #rebase(link: string): void {
    this.#hasBase = true
    const [base] = urlsOfLink(link, this.#base)
    if (base !== undefined) this.#base = base
  }

  #learn(link: string, into: string[]): void {
    if (link === '' || link.startsWith('#')) return
    for (const url of urlsOfLink(link, this.#base)) {
      if (this.#seen.has(url) || this.#seen.size >= MAX_URLS) continue
      this.#seen.add(url)
      into.push(url)
    }
  }
}

/** The links of a text that is here as a whole, such as the user's task. */
export function extractUrls(text: string): readonly string[] {
  const extractor = new UrlExtractor('about:blank')
  return [...extractor.push(new TextEncoder().encode(text)), ...extractor.end()]
}
