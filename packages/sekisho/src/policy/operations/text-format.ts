import { canonicalHost } from '../../core/host.ts'

/** The formats of texts that are checked. */
export type Format = 'email' | 'uri' | 'date'

/** RFC 5321 §4.5.3.1 */
const MAX_EMAIL = 254
const MAX_LOCAL_PART = 64

export const FORMATS: Readonly<Record<Format, (text: string) => boolean>> = {
  email: (text) => splitEmail(text) !== undefined,
  uri: (text) => URI.test(text) && URL.canParse(text),
  date: isDate,
}

/** RFC 5322 §3.2.3 atext */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/
/** RFC 3986, with a scheme; neither `\` nor a character outside ASCII, which parsers make others of */
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/

/**
 * The two parts of one plain address: no display name, no quotes, no comment, no list. What those
 * allow is read differently by the mailers of the world.
 */
export function splitEmail(text: string): { local: string; domain: string } | undefined {
  const mark = text.lastIndexOf('@')
  if (mark < 1 || mark > MAX_LOCAL_PART || text.length > MAX_EMAIL) return undefined
  const local = text.slice(0, mark)
  const name = text.slice(mark + 1)
  const domain = name.endsWith('.') ? undefined : canonicalHost(name)
  return domain === undefined || !LOCAL_PART.test(local) ? undefined : { local, domain }
}

/** RFC 3339 §5.6 full-date; the calendar is the one of ECMA-262, which rolls over what is none */
function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
