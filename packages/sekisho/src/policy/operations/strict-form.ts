import type { Read } from '../problem.ts'

/** Fields of one form or query. */
const MAX_FIELDS = 4096

/**
 * The fields of a query or of an `application/x-www-form-urlencoded` body, in their order. Where
 * servers disagree it is refused: `;` as it stands (a separator to some), a field without `=`, an
 * empty one, an escape that is none, bytes that are no UTF-8, a NUL.
 */
export function readStrictForm(text: string): Read<ReadonlyMap<string, readonly string[]>> {
  const fields = new Map<string, string[]>()
  if (text === '') return { value: fields }
  const pairs = text.split('&')
  if (pairs.length > MAX_FIELDS) return { problem: `more than ${MAX_FIELDS} fields` }
  for (const pair of pairs) {
    const mark = pair.indexOf('=')
    if (mark < 1) return { problem: 'a field without a name or without =' }
    const name = decode(pair.slice(0, mark))
    const value = decode(pair.slice(mark + 1))
    if (name === undefined || value === undefined) {
      return { problem: 'a field that is not plainly percent-encoded UTF-8' }
    }
    const earlier = fields.get(name)
    if (earlier === undefined) fields.set(name, [value])
    else earlier.push(value)
  }
  return { value: fields }
}

/** Characters of the form's own encoding, and the other printable ones that some leave as they are. */
const RAW = /^(?:[!'()*+,\-./:?@$_~=0-9A-Za-z]|%[0-9A-Fa-f]{2})*$/

function decode(text: string): string | undefined {
  if (!RAW.test(text)) return undefined
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined // URIError: the escapes are no UTF-8
  }
}
