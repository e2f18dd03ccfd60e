/** More alternatives than anybody counts. */
const MAX_TEXTS = 256
const RANGE = /^(-?\d{1,9}|[a-zA-Z])\.\.(-?\d{1,9}|[a-zA-Z])(?:\.\.(-?\d{1,9}))?$/

/**
 * The texts that a brace expansion becomes, in order, as bash does it (Bash Reference Manual §3.5.1).
 *
 * @param text such as `{a,b{1..3}}`; what is no expansion stays as it is. Stops after 256.
 */
export function expandBraces(text: string): string[] {
  const open = text.indexOf('{')
  const close = open === -1 ? -1 : closingOf(text, open)
  if (close === -1) return [text]
  const head = text.slice(0, open)
  const alternatives = alternativesOf(text.slice(open + 1, close))
  const tails = expandBraces(text.slice(close + 1))
  return alternatives
    .flatMap((middle) => tails.map((tail) => head + middle + tail))
    .slice(0, MAX_TEXTS)
}

function alternativesOf(inside: string): string[] {
  const parts = splitAtCommas(inside)
  if (parts.length > 1) return parts.flatMap((part) => expandBraces(part)).slice(0, MAX_TEXTS)
  const range = RANGE.exec(inside)
  if (range === null) return expandBraces(inside).map((text) => `{${text}}`)
  const [, from = '', to = '', step] = range
  return countThrough(from, to, Math.abs(Number(step ?? 1)) || 1)
}

function countThrough(from: string, to: string, step: number): string[] {
  const isNumber = /\d/.test(from) && /\d/.test(to)
  const first = isNumber ? Number(from) : from.charCodeAt(0)
  const last = isNumber ? Number(to) : to.charCodeAt(0)
  const sign = first <= last ? 1 : -1
  const texts: string[] = []
  for (let i = first; sign * (last - i) >= 0 && texts.length <= MAX_TEXTS; i += sign * step) {
    texts.push(isNumber ? String(i) : String.fromCharCode(i))
  }
  return texts
}

function closingOf(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '{') depth += 1
    if (text[i] === '}') depth -= 1
    if (depth === 0) return i
  }
  return -1
}

function splitAtCommas(inside: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === '{') depth += 1
    if (inside[i] === '}') depth -= 1
    if (inside[i] !== ',' || depth > 0) continue
    parts.push(inside.slice(from, i))
    from = i + 1
  }
  return [...parts, inside.slice(from)]
}
