/** Links as they stand in documents, turned into links as they would be followed. */

/** The entities that a URL in HTML or XML needs; others stay, and fit no request. */
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#38': '&',
  '#x26': '&',
  '#39': "'",
  '#x27': "'",
  '#x2f': '/',
  '#47': '/',
  '#61': '=',
  '#x3d': '=',
}

export function decodeEntities(text: string): string {
  return text.replace(/&(#?[A-Za-z0-9]{1,5});/g, (whole, name: string) => {
    return ENTITIES[name.toLowerCase()] ?? whole
  })
}

/**
 * An absolute URL that was cut at white space and quotes, in the readings that it can have there:
 * JSON escapes undone, entities undone, and without the punctuation that ends a sentence.
 */
export function readingsOf(run: string): readonly string[] {
  const plain = undoJsonEscapes(run)
  const readings = new Set<string>()
  for (const text of [plain, decodeEntities(plain)]) {
    readings.add(text)
    const bare = withoutEnding(text)
    if (bare !== text) readings.add(bare)
  }
  return [...readings]
}

/** Up to the first escape that is none of a URL: there the string ends, or is another language. */
function undoJsonEscapes(run: string): string {
  if (!run.includes('\\')) return run
  const decoded = run
    .replace(/\\u00([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\\//g, '/')
  const end = decoded.search(/[\\"<>\s]/)
  return end === -1 ? decoded : decoded.slice(0, end)
}

/** `see https://a.example/x_(y)).` is about `https://a.example/x_(y)` */
function withoutEnding(text: string): string {
  let end = text.length
  let depth = balance(text)
  for (; end > 0; end -= 1) {
    const last = text[end - 1] ?? ''
    if (last === ')' && depth < 0) depth += 1
    else if (!/[.,;:!?'*_~|\]}]/.test(last)) break
  }
  return text.slice(0, end)
}

/** negative where more brackets close than open */
function balance(text: string): number {
  let depth = 0
  for (const character of text) {
    if (character === '(') depth += 1
    else if (character === ')') depth -= 1
  }
  return depth
}

/** The address in `](address "title")`: up to the bracket that closes it. */
export function untilClosed(run: string): string {
  let depth = 0
  for (let index = 0; index < run.length; index += 1) {
    if (run[index] === '(') depth += 1
    else if (run[index] === ')') depth -= 1
    if (depth < 0) return run.slice(0, index)
  }
  return run
}
