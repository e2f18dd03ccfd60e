/** An address with its scheme, as far as it stands among other text. */
const URL_TEXT = /[a-z][a-z0-9+.-]{1,31}:\/\/[^\s"'`<>|\\^{}]{1,2048}/gi
const IS_URL = /^[a-z][a-z0-9+.-]{1,31}:\/\//i
/** The longest that a leaf holds. */
const MAX_PATH = 1024
const MAX_URL = 2048

/** Addresses in a text. */
export function urlsIn(text: string): string[] {
  if (!text.includes('://')) return []
  return [...text.matchAll(URL_TEXT)].map(([url]) => url.slice(0, MAX_URL))
}

/** A word of a command that names a file by more than its name. */
export function isPathWord(text: string): boolean {
  if (text.length > MAX_PATH || IS_URL.test(text) || /[\n\0]/.test(text)) return false
  return /^(?:~|\.{1,2}$|\.\w)/.test(text) || text.includes('/')
}

/** A text that is nothing but an absolute path, or one from the home directory. */
export function isAbsolutePath(text: string): boolean {
  return text.length <= MAX_PATH && /^(?:\/|~\/|file:\/\/|[A-Za-z]:[\\/])[^\n\0]*$/.test(text)
}
