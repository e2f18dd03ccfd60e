/** A text that stands in another one so that a reader does not see it. */
export type DerivedText = { how: 'encoded' | 'hidden'; text: string }

const MAX_DERIVED = 16
const MAX_CHARACTERS = 4096
/** What is hidden in all of one text, together. */
const MAX_ALL_CHARACTERS = 16_384

/** What may be 24 bytes or more in either base64 (RFC 4648 §4, §5) or in hexadecimal. */
const MIN_RUN = 32
const IS_CODED = codedCharacters()
const HEX = /^(?:[0-9a-fA-F]{2})+$/
const ESCAPES =
  /(?:(?:\\x|%|\\u00)[0-9a-fA-F]{2}[ ,]?){12,}|(?:&#(?:\d{2,3}|x[0-9a-fA-F]{2,4});){12,}/g
/** Letters one by one: `i g n o r e`. */
const SPACED = /(?<![a-z])[a-z](?:[ .*_-]{1,3}[a-z]){7,}(?![a-z])/g
const BACKWARDS = /\b(?:erongi|drager?sid|tegrof)\b|snoitcurtsni|tpmorp metsys/
const ROT13 = /\bvtaber\b|vafgehpgvba|flfgrz cebzcg|\bqvfertneq\b/
const COMMENT = /<!--([^]*?)(?:-->|$)/g
const UNSEEN_ELEMENT =
  /<[a-z][a-z0-9]*\s[^<>]{0,300}?(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])|\shidden\b|color\s*:\s*(?:#fff\b|#ffffff|white|transparent))[^<>]{0,300}>([^<]{8,})/gi
const MAY_BE_UNSEEN = /display|visibility|font-size|opacity|hidden|color/i

/**
 * @param raw as it came
 * @param plain as `plainText` gives it
 */
export function derivedTexts(raw: string, plain: string): readonly DerivedText[] {
  const derived: DerivedText[] = []
  if (raw.includes('<')) unseen(raw, derived)
  decoded(raw, derived)
  respelt(plain, derived)
  return derived
}

function unseen(raw: string, derived: DerivedText[]): void {
  if (raw.includes('<!--')) {
    for (const [, text = ''] of raw.matchAll(COMMENT)) add(derived, 'hidden', text)
  }
  if (!MAY_BE_UNSEEN.test(raw)) return
  for (const [, text = ''] of raw.matchAll(UNSEEN_ELEMENT)) add(derived, 'hidden', text)
}

function decoded(raw: string, derived: DerivedText[]): void {
  for (const run of codedRuns(raw)) {
    const text = HEX.test(run) ? asText(run, 'hex') : asText(run, 'base64')
    if (text !== '') add(derived, 'encoded', text)
    if (derived.length >= MAX_DERIVED) return
  }
  if (!/[\\%&]/.test(raw)) return
  for (const [run] of raw.matchAll(ESCAPES)) {
    const codes = run.match(/(?<=[x%0])[0-9a-fA-F]{2}(?![0-9a-fA-F])|(?<=#)\d{2,3}/g) ?? []
    const base = run.startsWith('&#') && !run.startsWith('&#x') ? 10 : 16
    add(
      derived,
      'encoded',
      codes.map((code) => String.fromCharCode(Number.parseInt(code, base))).join(''),
    )
  }
}

/** Looks at every 32nd character, and around it where that is one of a run. */
function* codedRuns(raw: string): Generator<string> {
  let from = 0
  while (from + MIN_RUN <= raw.length) {
    const probed = from + MIN_RUN - 1
    let before = probed
    while (before >= from && isCoded(raw, before)) before--
    from = before + 1
    if (before === probed || probed - before < MIN_RUN) continue
    let end = probed + 1
    while (end < raw.length && isCoded(raw, end)) end++
    yield raw.slice(from, end)
    from = end
  }
}

function isCoded(raw: string, at: number): boolean {
  return IS_CODED[raw.charCodeAt(at)] === 1
}

function codedCharacters(): Uint8Array {
  const coded = new Uint8Array(128)
  for (const kind of ['az', 'AZ', '09', '++', '//', '--', '__']) {
    coded.fill(1, kind.charCodeAt(0), kind.charCodeAt(1) + 1)
  }
  return coded
}

function respelt(plain: string, derived: DerivedText[]): void {
  for (const [letters] of plain.matchAll(SPACED)) {
    const words = letters.split(/[ .*_-]{2,3}/)
    add(derived, 'encoded', words.map((word) => word.replace(/[ .*_-]/g, '')).join(' '))
  }
  if (BACKWARDS.test(plain)) add(derived, 'encoded', Array.from(plain).reverse().join(''))
  if (ROT13.test(plain)) add(derived, 'encoded', plain.replace(/[a-z]/g, rot13))
}

function rot13(letter: string): string {
  return String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97)
}

/** Empty where the bytes are no text of more than one word. */
function asText(run: string, encoding: 'base64' | 'hex'): string {
  if (!isReadable(Buffer.from(run.slice(0, 32), encoding))) return ''
  const text = Buffer.from(run.slice(0, MAX_CHARACTERS), encoding).toString('utf8')
  return /\S\s+\S|[\u0100-\uffff]/.test(text) ? text : ''
}

function isReadable(bytes: Buffer): boolean {
  let readable = 0
  for (const byte of bytes) if (byte >= 0x20 ? byte !== 0x7f : byte === 0x0a) readable++
  return readable === bytes.length && bytes.length >= 12 && !isBroken(bytes)
}

/** No UTF-8, but for a character that the sample's end cuts. */
function isBroken(bytes: Buffer): boolean {
  return bytes.toString('utf8').slice(0, -1).includes('\ufffd')
}

function add(derived: DerivedText[], how: DerivedText['how'], text: string): void {
  if (text.trim().length < 8) return
  const soFar = derived.reduce((sum, one) => sum + one.text.length, 0)
  const room = Math.min(MAX_CHARACTERS, MAX_ALL_CHARACTERS - soFar)
  if (derived.length < MAX_DERIVED && room > 0) derived.push({ how, text: text.slice(0, room) })
}
