import { type DerivedText, derivedTexts } from './derived-texts.ts'
import { FeatureReader } from './features.ts'
import { type InjectionModel, permilleOf } from './model.ts'
import { plainText } from './plain-text.ts'
import type { ScoredChannel } from './rule.ts'
import { INJECTION_RULES } from './rules.ts'
import { WindowScorer } from './windows.ts'

/** How likely it is that a text gives orders to a model. */
export type InjectionScore = {
  permille: number
  /** ids of the forms that it has, sorted */
  rules: readonly string[]
}

/** What somebody hides counts from here on as orders. */
const HIDDEN_FROM = 500
const HIDDEN_PERMILLE = 950
/** Of tags that spell at least so many characters. */
const TAGS = /(?:[\u{e0020}-\u{e007e}]){8,}/u
/** In a text in a text in a text nobody looks. */
const MAX_DEPTH = 2

/** Scores texts of bounded length by one model; holds buffers, no text. */
export class TextScorer {
  readonly #model: InjectionModel
  readonly #reader: FeatureReader
  readonly #windows: WindowScorer

  /** @param maxCharacters of one text, of its plain form as well; more is not looked at */
  constructor(model: InjectionModel, maxCharacters: number) {
    this.#model = model
    this.#reader = new FeatureReader(maxCharacters)
    this.#windows = new WindowScorer(model.weights, maxCharacters)
  }

  score(text: string, channel: ScoredChannel): InjectionScore {
    const rules = new Set<string>()
    const permille = this.#score(text, { channel, rules, depth: 0 })
    return { permille, rules: [...rules].sort() }
  }

  /** Of the words alone, without rules and what is hidden in it. */
  modelPermille(text: string): number {
    return this.#ofWords(plainText(text))
  }

  #score(text: string, of: { channel: ScoredChannel; rules: Set<string>; depth: number }): number {
    const plain = plainText(text)
    let permille = this.#ofWords(plain)
    for (const rule of INJECTION_RULES) {
      if (rule.except?.includes(of.channel) === true || !rule.pattern.test(plain)) continue
      of.rules.add(rule.id)
      permille = Math.max(permille, rule.permille)
    }
    if (plain.length !== text.length && TAGS.test(text)) {
      of.rules.add('injection.hidden-tags')
      permille = Math.max(permille, HIDDEN_PERMILLE)
    }
    if (of.depth >= MAX_DEPTH) return permille
    for (const derived of derivedTexts(text, plain)) {
      permille = Math.max(permille, this.#ofDerived(derived, of))
    }
    return permille
  }

  #ofDerived(
    { how, text }: DerivedText,
    { channel, rules, depth }: { channel: ScoredChannel; rules: Set<string>; depth: number },
  ): number {
    const own = new Set<string>()
    const permille = this.#score(text, { channel, rules: own, depth: depth + 1 })
    if (permille < HIDDEN_FROM) return permille
    for (const rule of own) rules.add(rule)
    rules.add(`injection.${how}`)
    return Math.max(permille, HIDDEN_PERMILLE)
  }

  #ofWords(plain: string): number {
    this.#reader.read(plain)
    if (this.#reader.words === 0) return 0
    const { score } = this.#windows.worst(this.#reader)
    return permilleOf(this.#model.bias + score * this.#model.scale, this.#model)
  }
}
