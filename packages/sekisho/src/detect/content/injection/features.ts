/** What a character is to the reader of words. */
const SPACE = 0
const LETTER = 1
const DIGIT = 2
const MARK = 3
/** a word by itself: Han, kana, Hangul, and what else is written without spaces */
const IDEOGRAPH = 4
/** shows a word to go on: an apostrophe */
const JOINER = 5
const NEWLINE = 6

/** Of the hash; 2^20 weights of one byte are a megabyte. */
export const FEATURE_BITS = 20
const SHIFT = 32 - FEATURE_BITS

const MAX_WORD = 24
const GRAM = 4
/** What a character may give at most: as a word of its own four features, one for a gram. */
const FEATURES_PER_CHARACTER = 5

const LONG_WORD = 0x51ed270b
const NUMBER = 0x2545f491
const LINE = 0x27d4eb2f
const MARK_SEED = 0x165667b1
const GRAM_SEED = 0x3c6ef372
const SKIP_SEED = 0x1b873593

/** `0` for o and so on, where digits stand among letters. */
const LEET: Readonly<Record<number, number>> = {
  0x30: 0x6f,
  0x31: 0x69,
  0x33: 0x65,
  0x34: 0x61,
  0x35: 0x73,
  0x37: 0x74,
}

/**
 * The words of a text as numbers, and what they tell: each word, each two and three in a row, two
 * with one between them, and four letters in a row of longer words.
 */
export class FeatureReader {
  readonly maxCharacters: number
  /** hashes of `FEATURE_BITS` bits, in the order of the words that they end with */
  readonly features: Int32Array
  /** index behind the last feature of each word */
  readonly ends: Int32Array
  /** words of the text read last */
  words = 0

  #count = 0
  #previous = 0
  #beforePrevious = 0

  /** @param maxCharacters of any text that will be read */
  constructor(maxCharacters: number) {
    this.maxCharacters = maxCharacters
    this.features = new Int32Array(FEATURES_PER_CHARACTER * (maxCharacters + 1))
    this.ends = new Int32Array(maxCharacters + 1)
  }

  /** @param text as `plainText` gives it; what is beyond `maxCharacters` is not read */
  read(text: string): void {
    this.#count = 0
    this.words = 0
    this.#previous = 0
    this.#beforePrevious = 0
    const until = Math.min(text.length, this.maxCharacters)
    let at = 0
    while (at < until) {
      const code = text.charCodeAt(at)
      const kind = kindOf(code)
      if (kind === LETTER || kind === DIGIT) at = this.#readWord(text, { at, until })
      else at = this.#readOther(text, { at, until, kind })
    }
  }

  #readOther(text: string, place: { at: number; until: number; kind: number }): number {
    const code = text.charCodeAt(place.at)
    if (place.kind === SPACE || place.kind === JOINER) return place.at + 1
    if (place.kind === IDEOGRAPH) {
      this.#add(mix(MARK_SEED ^ 0x5bd1, code))
      return place.at + 1
    }
    // several in a row are one: a rule of dashes, an empty line
    let end = place.at + 1
    while (end < place.until && text.charCodeAt(end) === code) end++
    if (place.kind === MARK) this.#add(mix(MARK_SEED + Math.min(3, end - place.at), code))
    else if (end - place.at > 1) this.#add(LINE)
    return end
  }

  #readWord(text: string, { at, until }: { at: number; until: number }): number {
    const codes = WORD
    let length = 0
    let letters = 0
    let end = at
    for (; end < until; end++) {
      const code = text.charCodeAt(end)
      const kind = kindOf(code)
      if (kind === JOINER) continue
      if (kind !== LETTER && kind !== DIGIT) break
      if (kind === LETTER) letters++
      if (length < MAX_WORD) codes[length] = code
      length++
    }
    if (letters === 0) this.#add(mix(NUMBER, Math.min(length, 6)))
    else if (length > MAX_WORD) this.#add(LONG_WORD)
    else this.#addLetters(length, letters < length)
    return end
  }

  #addLetters(length: number, hasDigits: boolean): void {
    const codes = WORD
    let hash = 0x811c9dc5
    for (let at = 0; at < length; at++) {
      let code = codes[at] ?? 0
      if (hasDigits) {
        code = LEET[code] ?? code
        codes[at] = code
      }
      hash = Math.imul(hash ^ code, 0x01000193)
    }
    this.#add(mix(hash, length))
    if (length <= GRAM) return
    const end = this.ends[this.words - 1] ?? 0
    let count = end
    for (let at = 0; at + GRAM <= length; at++) {
      let gram = GRAM_SEED
      for (let index = at; index < at + GRAM; index++) {
        gram = Math.imul(gram ^ (codes[index] ?? 0), 0x01000193)
      }
      this.features[count++] = mix(gram, 4) >>> SHIFT
    }
    this.#count = count
    this.ends[this.words - 1] = count
  }

  #add(hash: number): void {
    const { features } = this
    let count = this.#count
    const pair = mix(this.#previous, hash)
    features[count++] = hash >>> SHIFT
    features[count++] = pair >>> SHIFT
    features[count++] = mix(mix(this.#beforePrevious, this.#previous), hash) >>> SHIFT
    features[count++] = mix(this.#beforePrevious ^ SKIP_SEED, hash) >>> SHIFT
    this.#count = count
    this.ends[this.words++] = count
    this.#beforePrevious = this.#previous
    this.#previous = hash
  }
}

const WORD = new Uint16Array(MAX_WORD)

function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ (b >>> 15) ^ b, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13) ^ (b << 7), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const ASCII_KINDS = asciiKinds()

function asciiKinds(): Uint8Array {
  const kinds = new Uint8Array(128)
  for (let code = 0x21; code < 0x7f; code++) kinds[code] = MARK
  for (let code = 0x61; code <= 0x7a; code++) kinds[code] = LETTER
  for (let code = 0x41; code <= 0x5a; code++) kinds[code] = LETTER
  for (let code = 0x30; code <= 0x39; code++) kinds[code] = DIGIT
  for (const mark of ',.-_') kinds[mark.charCodeAt(0)] = SPACE
  kinds["'".charCodeAt(0)] = JOINER
  kinds[0x0a] = NEWLINE
  return kinds
}

function kindOf(code: number): number {
  if (code < 128) return ASCII_KINDS[code] ?? SPACE
  if (code === 0x2019) return JOINER
  if (isIdeograph(code)) return IDEOGRAPH
  return isWide(code) ? MARK : LETTER
}

/** Han, kana, Hangul, and the surrogates: scripts of words without spaces, pictures. */
function isIdeograph(code: number): boolean {
  if (code < 0x3040) return code >= 0x0e00 && code <= 0x0eff
  return code <= 0x9fff || (code >= 0xac00 && code <= 0xdfff)
}

/** General punctuation, arrows, boxes, CJK punctuation. */
function isWide(code: number): boolean {
  return (code >= 0x2000 && code <= 0x303f) || (code >= 0x00a1 && code <= 0x00bf)
}
