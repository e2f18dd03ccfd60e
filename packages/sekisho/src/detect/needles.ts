/**
 * Every spelling in which a text may stand in a message: as it is, base64 in each of its three
 * alignments (standard and URL alphabet), hexadecimal, percent-encoded, JSON-escaped.
 */

/** An encoded spelling shorter than this would match by chance. */
const MIN_ENCODED_LENGTH = 6

/** What no URL, form or JSON has to escape: there it stands as it is. Most keys are only that. */
const PLAIN = /^[A-Za-z0-9_.-]+$/

/** Distinct spellings, longest first. @throws RangeError on an empty text: it is everywhere */
export function spellings(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length === 0) throw new RangeError('an empty text cannot be looked for')
  const encoded = [
    ...base64Spellings(bytes),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...percentSpellings(text, bytes),
    ...jsonSpellings(text),
  ].filter((spelling) => spelling.length >= MIN_ENCODED_LENGTH)
  const distinct = new Set([bytes.toString('latin1'), ...encoded])
  return [...distinct]
    .map((spelling) => Buffer.from(spelling, 'latin1'))
    .sort((a, b) => b.length - a.length)
}

/**
 * The characters of base64 that only the text decides: where it starts one or two bytes into a
 * group, its first character mixes with what stands before, and its last with what follows.
 */
function base64Spellings(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const own = padded
      .toString('base64url')
      .slice(Math.ceil((before * 8) / 6), Math.floor((padded.length * 8) / 6))
    return [own, own.replaceAll('-', '+').replaceAll('_', '/')]
  })
}

function percentSpellings(text: string, bytes: Buffer): string[] {
  const every = bytes.toString('hex').replace(/../g, '%$&')
  if (PLAIN.test(text)) return [every, every.toUpperCase()]
  const component = encodeURIComponent(text.toWellFormed())
  const strict = component.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  const form = new URLSearchParams([['', text]]).toString().slice(1)
  const all = [every, component, strict, strict.replaceAll('%20', '+'), form]
  return all.flatMap((spelling) => [withEscapes(spelling, 'lower'), withEscapes(spelling, 'upper')])
}

function withEscapes(text: string, letters: 'lower' | 'upper'): string {
  return text.replace(/%[0-9a-fA-F]{2}/g, (escape) =>
    letters === 'lower' ? escape.toLowerCase() : escape.toUpperCase(),
  )
}

function jsonSpellings(text: string): string[] {
  if (PLAIN.test(text)) return []
  const plain = JSON.stringify(text).slice(1, -1)
  const utf8 = Buffer.from(plain, 'utf8').toString('latin1')
  const ascii = plain.replace(/[^\x20-\x7e]/g, unicodeEscape)
  const html = ascii.replace(/[<>&'+]/g, unicodeEscape) // what PHP, Go and Jackson may add
  return [utf8, ascii, html].flatMap((spelling) => [spelling, spelling.replaceAll('/', '\\/')])
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
