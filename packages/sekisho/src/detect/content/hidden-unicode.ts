/**
 * Characters that show nothing, or show the text in another order than it is read in. What honest
 * text has of them is none: emoji sequences (UTS #51), joiners of the scripts that need them (UAX #31
 * §2.3), one selector where a form can be selected, bidi controls in lines with letters from right
 * to left.
 */
export type HiddenUnicode = {
  id: (typeof HIDDEN_UNICODE_IDS)[number]
  /** code points */
  count: number
}

export const HIDDEN_UNICODE_IDS = [
  /** U+E0000–E007F: ASCII that no screen shows (“ASCII smuggling”) */
  'hidden-unicode.tags',
  /** Trojan Source, CVE-2021-42574 */
  'hidden-unicode.bidi',
  /** between the letters of a word, or several in a row */
  'hidden-unicode.zero-width',
  /** bytes as selectors: 256 of them, any number behind one character */
  'hidden-unicode.variation-selectors',
  /** runs of what has no meaning outside one font */
  'hidden-unicode.private-use',
] as const

/** One of these is there, or nothing of it is hidden. */
const MAY_HIDE =
  /[\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\u3164\ue000-\uf8ff]|[\ufe00-\ufe0f]|\ufeff|\uffa0|[\u{e0000}-\u{e01ef}\u{f0000}-\u{10fffd}]/u

type Kind = 'tag' | 'zero-width' | 'selector' | 'ideographic-selector' | 'private-use'

/** An emoji of a flag of a region is a black flag, at most so many tags, and the cancel tag. */
const FLAG = 0x1f3f4
const CANCEL_TAG = 0xe007f
const MAX_FLAG_TAGS = 8
const MIN_ZERO_WIDTH_RUN = 3
const MIN_PRIVATE_RUN = 4

const LATIN = /[A-Za-z0-9_]/
const HAN = /\p{Script=Han}/u
const EMOJI = /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}/u
/** Scripts in which ZWJ and ZWNJ choose between forms of letters. */
const JOINING =
  /\p{Script=Arabic}|\p{Script=Syriac}|\p{Script=Nko}|\p{Script=Mongolian}|\p{Script=Devanagari}|\p{Script=Bengali}|\p{Script=Gurmukhi}|\p{Script=Gujarati}|\p{Script=Oriya}|\p{Script=Tamil}|\p{Script=Telugu}|\p{Script=Kannada}|\p{Script=Malayalam}|\p{Script=Sinhala}|\p{Script=Tibetan}|\p{Script=Myanmar}|\p{Script=Khmer}|\p{Script=Thai}|\p{Script=Lao}/u
/** Blocks of scripts that run from right to left (Unicode, Blocks.txt). */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/

/** All of a text. */
export function findHiddenUnicode(text: string): readonly HiddenUnicode[] {
  const scan = new HiddenUnicodeScan()
  scan.push(text)
  return scan.end()
}

/** A text that comes in pieces; what is found does not depend on how it was cut. */
export class HiddenUnicodeScan {
  readonly #counts = new Map<HiddenUnicode['id'], number>()
  readonly #line = new BidiLine()
  #run = new Run()
  /** what stands before the run; empty at the beginning */
  #before = ''
  /** the first half of a pair whose second has not come */
  #half = ''

  push(piece: string): void {
    let text = this.#half + piece
    this.#half = ''
    if (/[\ud800-\udbff]$/.test(text)) {
      this.#half = text.slice(-1)
      text = text.slice(0, -1)
    }
    if (text === '') return
    if (!MAY_HIDE.test(text) && this.#run.length === 0 && this.#line.isEmpty) {
      this.#line.skip(text)
      this.#before = Array.from(text.slice(-2)).at(-1) ?? ''
      return
    }
    for (const character of text) this.#take(character)
  }

  end(): readonly HiddenUnicode[] {
    this.#close('')
    this.#count('hidden-unicode.bidi', this.#line.end())
    return HIDDEN_UNICODE_IDS.flatMap((id) => {
      const count = this.#counts.get(id) ?? 0
      return count === 0 ? [] : [{ id, count }]
    })
  }

  #take(character: string): void {
    const code = character.codePointAt(0) ?? 0
    if (code === 0x0a) this.#count('hidden-unicode.bidi', this.#line.end())
    if (this.#line.take(code, character)) return
    const kind = kindOf(code)
    if (kind !== undefined) {
      this.#run.add(kind, code)
      return
    }
    if (this.#run.length > 0) this.#close(character)
    this.#before = character
  }

  #close(after: string): void {
    const around = { before: this.#before, after }
    this.#count('hidden-unicode.tags', this.#run.tags(around.before))
    this.#count('hidden-unicode.zero-width', this.#run.zeroWidth(around))
    this.#count('hidden-unicode.variation-selectors', this.#run.selectors(around.before))
    this.#count('hidden-unicode.private-use', this.#run.privateUse())
    this.#run = new Run()
  }

  #count(id: HiddenUnicode['id'], more: number): void {
    if (more > 0) this.#counts.set(id, (this.#counts.get(id) ?? 0) + more)
  }
}

/** Characters in a row of which none shows anything. Counts alone are kept. */
class Run {
  length = 0
  readonly #of: Record<Kind, number> = {
    tag: 0,
    'zero-width': 0,
    selector: 0,
    'ideographic-selector': 0,
    'private-use': 0,
  }
  #joiners = 0
  #last = 0

  add(kind: Kind, code: number): void {
    this.length += 1
    this.#of[kind] += 1
    if (code === 0x200c || code === 0x200d) this.#joiners += 1
    this.#last = code
  }

  tags(before: string): number {
    const { tag } = this.#of
    const isFlag =
      before.codePointAt(0) === FLAG &&
      tag === this.length &&
      tag <= MAX_FLAG_TAGS &&
      this.#last === CANCEL_TAG
    return isFlag ? 0 : tag
  }

  zeroWidth({ before, after }: { before: string; after: string }): number {
    const count = this.#of['zero-width']
    if (count === 0 || this.#joinsLetters(before, after)) return 0
    // a mark of the byte order at the beginning
    if (before === '' && count === 1 && this.#last === 0xfeff) return 0
    const isInWord = LATIN.test(before) && LATIN.test(after)
    return isInWord || count >= MIN_ZERO_WIDTH_RUN ? count : 0
  }

  #joinsLetters(before: string, after: string): boolean {
    const count = this.#of['zero-width']
    if (count !== this.#joiners || count > 2) return false
    if (JOINING.test(before) || JOINING.test(after)) return true
    return count === 1 && EMOJI.test(before) && EMOJI.test(after)
  }

  selectors(before: string): number {
    const { selector, 'ideographic-selector': ideographic } = this.#of
    const count = selector + ideographic
    if (count !== 1) return count
    if (ideographic === 1) return HAN.test(before) ? 0 : 1
    return before === '' || /[\sA-Za-z]/.test(before) ? 1 : 0
  }

  privateUse(): number {
    const count = this.#of['private-use']
    return count >= MIN_PRIVATE_RUN ? count : 0
  }
}

const OVERRIDES = [0x202d, 0x202e]
const OPENING = [0x202a, 0x202b, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068]
const CLOSING = [0x202c, 0x2069]
/** FIRST STRONG ISOLATE: goes by the letters in it, and programs put it around what they insert. */
const FIRST_STRONG = 0x2068

/** The bidi controls of one line; UAX #9 ends them with it. */
class BidiLine {
  #controls = 0
  #overrides = 0
  #harmless = 0
  #depth = 0
  #isBalanced = true
  #hasRightToLeft = false

  get isEmpty(): boolean {
    return this.#controls === 0
  }

  /** Of text without controls, what counts for those that follow on its last line. */
  skip(text: string): void {
    const newline = text.lastIndexOf('\n')
    if (newline !== -1) this.#hasRightToLeft = false
    this.#hasRightToLeft ||= RIGHT_TO_LEFT.test(text.slice(newline + 1))
  }

  /** Whether it was a control. */
  take(code: number, character: string): boolean {
    if (OPENING.includes(code)) this.#open(code)
    else if (CLOSING.includes(code)) this.#close()
    else {
      if (code >= 0x0590 && !this.#hasRightToLeft) {
        this.#hasRightToLeft = RIGHT_TO_LEFT.test(character)
      }
      return false
    }
    this.#controls += 1
    return true
  }

  /** How many controls of the line reorder what honest lines do not. */
  end(): number {
    const isHonest =
      this.#overrides === 0 && this.#isBalanced && this.#depth === 0 && this.#isExplained()
    const found = isHonest ? 0 : this.#controls
    this.#controls = 0
    this.#overrides = 0
    this.#harmless = 0
    this.#depth = 0
    this.#isBalanced = true
    this.#hasRightToLeft = false
    return found
  }

  #isExplained(): boolean {
    return this.#hasRightToLeft || this.#harmless * 2 === this.#controls
  }

  #open(code: number): void {
    this.#depth += 1
    if (OVERRIDES.includes(code)) this.#overrides += 1
    if (code === FIRST_STRONG) this.#harmless += 1
  }

  #close(): void {
    if (this.#depth === 0) this.#isBalanced = false
    else this.#depth -= 1
  }
}

function kindOf(code: number): Kind | undefined {
  if (code < 0x115f || (code > 0x3164 && code < 0xe000)) return undefined
  return RANGES.find(([first, last]) => code >= first && code <= last)?.[2]
}

const RANGES: readonly (readonly [number, number, Kind])[] = [
  [0x115f, 0x1160, 'zero-width'],
  [0x180e, 0x180e, 'zero-width'],
  [0x200b, 0x200d, 'zero-width'],
  [0x2060, 0x2065, 'zero-width'],
  [0x3164, 0x3164, 'zero-width'],
  [0xe000, 0xf8ff, 'private-use'],
  [0xfe00, 0xfe0f, 'selector'],
  [0xfeff, 0xfeff, 'zero-width'],
  [0xffa0, 0xffa0, 'zero-width'],
  [0xe0000, 0xe007f, 'tag'],
  [0xe0100, 0xe01ef, 'ideographic-selector'],
  [0xf0000, 0x10fffd, 'private-use'],
]
