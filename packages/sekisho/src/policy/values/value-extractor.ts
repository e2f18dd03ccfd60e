import { UrlExtractor } from '../provenance/extract-urls.ts'
import {
  DELIMITERS,
  keyOfCanonicalUrl,
  keysOfAmount,
  keysOfCommand,
  keysOfEmail,
  keysOfWord,
  withoutPrefix,
} from './value-keys.ts'

/** A longer run of characters without a delimiter is no value of any kind. */
const MAX_TOKEN = 2048
/** Different values of one text; more are not looked at. */
const MAX_VALUES = 8192

/** `task`: what the user said, every word of it. `text`: what somebody wrote, and its names only. */
export type Thoroughness = 'task' | 'text'

const TOKENS = new RegExp(`[^${DELIMITERS}]+`, 'gu')
const DELIMITER = new RegExp(`[${DELIMITERS}]`, 'u')
/** punctuation and emphasis around a word, not part of it */
const LEADING = /^['*]+/
const TRAILING = /['*.,:;!?]+$/
/** names of people, places, branches and accounts have one of these; words of a sentence do not */
const DISTINCT = /[\d/_#@-]/
const MIN_DISTINCT = 4

/**
 * Finds the values that a text names, as keys, while it goes by. A value counts only where it stands
 * whole between delimiters: what is part of a longer word is not named by it. What is found does not
 * depend on how the text was cut.
 */
export class ValueExtractor {
  readonly #thoroughness: Thoroughness
  readonly #urls = new UrlExtractor('about:blank')
  readonly #encoder = new TextEncoder()
  readonly #seen = new Set<string>()
  /** looked at already */
  readonly #tokens = new Set<string>()
  #rest = ''
  #isTooLong = false

  constructor(thoroughness: Thoroughness) {
    this.#thoroughness = thoroughness
  }

  /** @returns keys of the values that have become certain, none twice */
  push(text: string): readonly string[] {
    const found = this.#urls.push(this.#encoder.encode(text)).map(keyOfCanonicalUrl)
    const all = this.#rest + text
    const end = lastDelimiter(all)
    const whole = all.slice(0, end)
    this.#rest = all.slice(end)
    found.push(...this.#readTokens(whole))
    if (this.#rest.length > MAX_TOKEN) {
      this.#rest = ''
      this.#isTooLong = true
    }
    return this.#unseen(found)
  }

  /** The rest; nothing may be pushed afterwards. */
  end(): readonly string[] {
    const found = this.#urls.end().map(keyOfCanonicalUrl)
    found.push(...this.#readTokens(this.#rest))
    this.#rest = ''
    return this.#unseen(found)
  }

  /** @param text that begins with the end of a token which was too long, or with a whole one */
  #readTokens(text: string): string[] {
    const from = this.#isTooLong ? text.search(DELIMITER) : 0
    if (from === -1 || text === '') return []
    this.#isTooLong = false
    const found: string[] = []
    for (const [token] of text.slice(from).matchAll(TOKENS)) {
      if (token.length <= MAX_TOKEN && this.#isNews(token)) found.push(...this.#keysOf(token))
    }
    return found
  }

  /** Documents say most of their words again and again, and few of them could be values. */
  #isNews(token: string): boolean {
    if (this.#thoroughness === 'text' && !DISTINCT.test(token)) return false
    if (this.#tokens.has(token)) return false
    if (this.#tokens.size < MAX_VALUES) this.#tokens.add(token)
    return true
  }

  #keysOf(token: string): readonly string[] {
    const word = token.replace(LEADING, '').replace(TRAILING, '')
    const named = withoutPrefix(word)
    const email = keysOfEmail(word.replace(/^mailto:/i, ''))
    if (this.#thoroughness === 'task')
      return [...email, ...keysOfWord(named), ...this.#optionIn(word)]
    if (email.length > 0) return email
    return word.length >= MIN_DISTINCT && DISTINCT.test(word) ? keysOfWord(named) : []
  }

  /** `--to=a@b.example` names what stands behind the sign. */
  #optionIn(word: string): readonly string[] {
    const [, value] = /^--?[A-Za-z][\w-]*=(.+)$/.exec(word) ?? []
    return value === undefined ? [] : this.#keysOf(value)
  }

  #unseen(keys: readonly string[]): string[] {
    const fresh: string[] = []
    for (const key of keys) {
      if (this.#seen.has(key) || this.#seen.size >= MAX_VALUES) continue
      this.#seen.add(key)
      fresh.push(key)
    }
    return fresh
  }
}

/** Commands that a user has written out: each line, and each part in quotes or backquotes. */
export function commandsIn(word: string): readonly string[] {
  const quoted = [...word.matchAll(/"([^"\n]+)"|'([^'\n]+)'|`([^`\n]+)`/g)].map(
    ([, double, single, back]) => double ?? single ?? back ?? '',
  )
  return [word, ...word.split('\n'), ...quoted].flatMap(keysOfCommand)
}

/** Amounts that a user has written, each by itself: a comma may be one of its own. */
export function amountsIn(word: string): readonly string[] {
  return word
    .split(/[\s"'`<>()[\]{};|=]+/)
    .map((part) => part.replace(/^[*$€£¥]+|[*$€£¥%.,:;!?]+$/gu, ''))
    .flatMap(keysOfAmount)
}

/** where the last token begins that may go on in the next piece */
function lastDelimiter(text: string): number {
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (DELIMITER.test(text[index] ?? '')) return index + 1
  }
  return 0
}
