/** Of a text whose names have escapes. */
const MAX_DEPTH = 1_000

const BACKSLASH = 0x5c
const TILDE = 0x7e

/**
 * `JSON.parse`, with the names that the text has.
 *
 * V8 from 13.6 to 14.6 at least (Node 24 to 26) can read a name that has an escape as the beginning
 * of what is written: after `{"\\u006":1}`, `{"\u006dodel":1}` may have `\u006` for a name in place
 * of `model`. It takes an object of the same shape before, and so whoever writes two texts can have
 * an honest leaf look like another. Such names are put in without escapes
 * here, under others that are taken back.
 *
 * @throws SyntaxError as `JSON.parse`; for a text with such names also where one of them stands
 * twice in its object, and for one nested more than 1,000 deep
 */
export function parseJson(text: string): unknown {
  const escaped = escapedNames(text)
  if (escaped.length === 0) return JSON.parse(text)
  const mark = unusedMark(text)
  const names = new Map<string, string>()
  let plain = ''
  let from = 0
  for (const { start, end } of escaped) {
    // by itself it is a value, which is read as it is written
    const name: unknown = JSON.parse(text.slice(start, end))
    const instead = `${mark}${names.size}`
    names.set(instead, String(name))
    plain += `${text.slice(from, start)}"${instead}"`
    from = end
  }
  const value: unknown = JSON.parse(plain + text.slice(from))
  return named(value, names, 0)
}

type Span = { start: number; end: number }

/** Strings with an escape in them that a colon follows, quotes included; of a text that is JSON. */
function escapedNames(text: string): Span[] {
  const spans: Span[] = []
  let at = text.indexOf('\\')
  while (at !== -1) {
    const end = endOfString(text, at)
    if (isColonNext(text, end)) spans.push({ start: text.lastIndexOf('"', at), end })
    at = text.indexOf('\\', end)
  }
  return spans
}

/** @param from where a backslash is @returns behind the quote that ends the string */
function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from)
  while (quote !== -1) {
    let at = quote - 1
    while (at >= from && text.charCodeAt(at) === BACKSLASH) at -= 1
    if ((quote - at) % 2 === 1) return quote + 1
    quote = text.indexOf('"', quote + 1)
  }
  return text.length
}

const COLON = /[ \t\n\r]*:/y

function isColonNext(text: string, at: number): boolean {
  COLON.lastIndex = at
  return COLON.test(text)
}

/** The beginning of a name that is nowhere in the text: a tilde more than stand together there. */
function unusedMark(text: string): string {
  let most = 0
  for (let at = text.indexOf('~'); at !== -1; at = text.indexOf('~', at)) {
    const from = at
    while (text.charCodeAt(at) === TILDE) at += 1
    most = Math.max(most, at - from)
  }
  return '~'.repeat(most + 1)
}

function named(value: unknown, names: ReadonlyMap<string, string>, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) return value.map((item) => named(item, names, depth + 1))
  const object = {}
  for (const [key, member] of Object.entries(value)) {
    const name = names.get(key) ?? key
    // in which order the two stood is not known any more
    if (Object.hasOwn(object, name)) throw new SyntaxError('a name that stands twice in one object')
    // not by assignment, for which `__proto__` is no name
    Object.defineProperty(object, name, {
      value: named(member, names, depth + 1),
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
  return object
}
