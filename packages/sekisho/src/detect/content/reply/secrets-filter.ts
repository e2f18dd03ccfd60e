import type { CompiledDetectors } from '../../egress/engine.ts'
import type { Finding } from '../../egress/finding.ts'
import { type OneTextFilter, perStream, type TextFilter } from './text-filter.ts'

export type SecretRules = {
  /** what is looked for; formats of secrets as a rule */
  detectors: CompiledDetectors
  /** Told of each finding in order; what it answers is done. */
  treat(finding: Pick<Finding, 'detector' | 'class'>): 'record' | 'redact'
}

/** Nothing shorter is a secret that can be told by its form, or has a digit up to the next. */
const MIN_RUN = 8
const MIN_RUN_WITHOUT_DIGITS = 16
/** The most that is held back; a longer run is looked at in parts that overlap. */
export const MAX_HELD_CHARACTERS = 16_384
const OVERLAP = 4_096
/** What stands before a run and may say what it is: `api key: …`. */
const CONTEXT = 256
const LONG_CONTEXT = 4_096

/** White space, and what is no ASCII: no secret has it inside, but for keys of several lines. */
const BREAK = /[^\x21-\x7e]/g
const KEY_BEGINS = '-----BEGIN'
const HEADER = /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/
const MAY_BE_HEADER = /^-----BEGIN [A-Z0-9 ]{0,56}-{0,5}$/
const FOOTER = /-----END [A-Z0-9 ]{0,56}-----/

/** What stands in place of a secret. */
export const REDACTED = '[sekisho:redacted]'

/**
 * Looks for secrets in the texts of a reply. A word passes when it has ended, and a private key is
 * held until its last line: a secret is seen whole, however its stream was cut.
 */
export function secretsFilter(rules: SecretRules): TextFilter {
  return perStream(() => new SecretsFilter(rules))
}

class SecretsFilter implements OneTextFilter {
  readonly #rules: SecretRules
  /** of what has been passed on, as it came; at least its end */
  #context = ''
  #held = ''
  /** where in what is held a private key may begin; -1 for none */
  #keyAt = -1

  constructor(rules: SecretRules) {
    this.#rules = rules
  }

  push(text: string): string {
    let out = ''
    let at = 0
    while (at < text.length) {
      const harmless = this.#held === '' ? harmlessEnd(text, at) : at
      out += this.#passHarmless(text.slice(at, harmless))
      at = harmless
      BREAK.lastIndex = at
      const end = BREAK.exec(text)?.index ?? text.length
      for (; at < end; at += MAX_HELD_CHARACTERS) {
        out += this.#extend(text.slice(at, Math.min(end, at + MAX_HELD_CHARACTERS)))
      }
      at = end + 1
      if (end < text.length) out += this.#break(text[end] ?? '')
    }
    return out
  }

  end(): string {
    return this.#pass(this.#held.length)
  }

  /** Words that end in it, and of which none can be a secret, as if each had come by itself. */
  #passHarmless(words: string): string {
    if (words !== '') this.#remember(words)
    return words
  }

  #remember(passed: string): void {
    this.#context += passed.slice(-CONTEXT)
    // cut now and then: what is put together of many short texts is copied for each cut
    if (this.#context.length > LONG_CONTEXT) this.#context = this.#context.slice(-CONTEXT)
  }

  #extend(part: string): string {
    const room = MAX_HELD_CHARACTERS - this.#held.length
    this.#held += part.slice(0, room)
    if (this.#held.length < MAX_HELD_CHARACTERS) return ''
    const out = this.#pass(MAX_HELD_CHARACTERS - OVERLAP)
    return out + this.#extend(part.slice(room))
  }

  #break(character: string): string {
    if (this.#keyAt === -1 && this.#held.endsWith(KEY_BEGINS)) {
      this.#keyAt = this.#held.length - KEY_BEGINS.length
    }
    if (this.#keyAt === -1) return this.#pass(this.#held.length) + this.#passBreak(character)
    const out = this.#extend(character)
    return this.#isInKey() ? out : out + this.#pass(this.#held.length)
  }

  /** A key's first line may still come, or its last has not. */
  #isInKey(): boolean {
    if (this.#keyAt === -1) return false
    const key = this.#held.slice(this.#keyAt)
    return HEADER.test(key) ? !FOOTER.test(key) : MAY_BE_HEADER.test(key)
  }

  #passBreak(character: string): string {
    this.#remember(character)
    return character
  }

  /** @param length of what is held, or more, so that no finding is cut */
  #pass(length: number): string {
    const held = this.#held
    const findings = mayBeSecret(held) ? this.#look(held) : []
    let out = ''
    let at = 0
    for (const { start, end, ...finding } of findings) {
      if (start >= Math.max(length, at)) break
      const treatment = this.#rules.treat(finding)
      if (treatment === 'redact' && end > at) {
        out += held.slice(at, Math.max(at, start)) + REDACTED
        at = end
      }
    }
    const passed = Math.max(length, at)
    out += held.slice(at, passed)
    this.#remember(held.slice(0, passed))
    this.#held = held.slice(passed)
    this.#keyAt = -1
    return out
  }

  /** Places in what is held, in order; what is in the context alone has been looked at before. */
  #look(held: string): Finding[] {
    const context = this.#context.slice(-CONTEXT)
    const before = Buffer.byteLength(context, 'utf8')
    const found: Finding[] = []
    for (const finding of this.#rules.detectors.scanText(context + held)) {
      if (finding.end <= before) continue
      const start = Math.max(0, finding.start - before)
      found.push({ ...finding, start, end: finding.end - before })
    }
    return found.sort((a, b) => a.start - b.start)
  }
}

/** Behind the last word that ends here with all words before it harmless. @param from where one begins */
function harmlessEnd(text: string, from: number): number {
  let start = from
  let digits = false
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= 0x21 && code <= 0x7e) {
      digits ||= code >= 0x30 && code <= 0x39
      continue
    }
    if (isLong(at - start, digits) || isKeyBegun(text, start, at)) return start
    start = at + 1
    digits = false
  }
  return start
}

function isKeyBegun(text: string, start: number, end: number): boolean {
  const at = end - KEY_BEGINS.length
  return at >= start && text.startsWith(KEY_BEGINS, at)
}

function isLong(length: number, digits: boolean): boolean {
  return length >= MIN_RUN_WITHOUT_DIGITS || (length >= MIN_RUN && digits)
}

function mayBeSecret(held: string): boolean {
  return isLong(held.length, true) && isLong(held.length, /\d/.test(held))
}
