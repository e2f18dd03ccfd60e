/** Beginnings that clients check a key by; they are public and stay. Longest first. */
const PUBLIC_PREFIXES = [
  'github_pat_',
  'sk-ant-api03-',
  'sk-ant-oat01-',
  'sk-ant-',
  'sk-or-v1-',
  'sk-svcacct-',
  'sk-proj-',
  'sk_live_',
  'sk_test_',
  'rk_live_',
  'rk_test_',
  'glpat-',
  'gldt-',
  'glrt-',
  'pypi-',
  'xoxb-',
  'xoxp-',
  'xoxa-',
  'xoxs-',
  'xapp-',
  'gho_',
  'ghp_',
  'ghr_',
  'ghs_',
  'ghu_',
  'npm_',
  'gsk_',
  'AKIA',
  'ASIA',
  'AIza',
  'dop_v1_',
  'xai-',
  'hf_',
  'r8_',
  'sk-',
  'ya29.',
  'Bearer ',
  'Basic ',
  'token ',
].sort((a, b) => b.length - a.length)

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const KEPT = '-_./+='
/** Fewer random characters than this could be met, or guessed, by chance. */
const MIN_RANDOM = 16
const MIN_LENGTH = 24
/** Values longer than this (key files) get a shorter placeholder: no client checks that far. */
const MAX_LENGTH = 4096

/**
 * What the sandbox sees in place of a secret: same prefix, length and character classes, so that
 * clients that check a key's form are content; nothing else of the value.
 *
 * @param random bytes that decide it; the same bytes give the same placeholder
 */
export function makePlaceholder(value: string, random: (count: number) => Buffer): string {
  const prefix = PUBLIC_PREFIXES.find((known) => value.startsWith(known)) ?? ''
  const shape = value.slice(prefix.length, MAX_LENGTH).split('')
  const varied = shape.filter((character) => !KEPT.includes(character)).length
  const pattern = varied < MIN_RANDOM ? fallbackShape(prefix) : shape
  const bytes = random(pattern.length)
  const made = prefix + pattern.map((character, i) => replaced(character, bytes[i] ?? 0)).join('')
  // the only way to meet the value is that the bytes spell it; one step away is as random
  return made === value
    ? prefix + pattern.map((c, i) => replaced(c, (bytes[i] ?? 0) + 1)).join('')
    : made
}

/** Too little to vary: letters, so many that nothing else has them by chance. */
function fallbackShape(prefix: string): string[] {
  return Array<string>(Math.max(MIN_LENGTH - prefix.length, MIN_RANDOM)).fill('x')
}

function replaced(character: string, byte: number): string {
  if (KEPT.includes(character)) return character
  const alphabet = DIGITS.includes(character) ? DIGITS : UPPER.includes(character) ? UPPER : LOWER
  return alphabet[byte % alphabet.length] ?? ''
}
