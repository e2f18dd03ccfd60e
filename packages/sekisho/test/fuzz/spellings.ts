import type { Random } from './random.ts'
import { WORDS, FOLDED, ADDRESSES, STRAYS, SEGMENTS } from './spelling-tables.ts'

/** The host of the connection in every family, and one that no request may reach over it. */
export const GOOD = 'good.example'
export const EVIL = 'evil.example'

export function stray(random: Random): string {
  return random.pick(STRAYS)
}

/** A host name, an address, or something that looks like one to somebody. */
export function hostText(random: Random): string {
  const base = random.pick([
    () => GOOD,
    () => GOOD,
    () => foldName(random, GOOD),
    () => random.pick(ADDRESSES),
    () => random.some(() => `${random.pick(WORDS)}.`, 0, 4) + random.pick(WORDS),
    () => `${random.pick(WORDS)}${stray(random)}${GOOD}`,
    () => punycodeLike(random),
  ])()
  return random.once(3) ? withStray(random, base) : base
}

/** A port as some client might write it; empty most of the time. */
export function portText(random: Random): string {
  if (!random.once(3)) return ''
  return random.pick([
    ':',
    ':80',
    ':443',
    ':0443',
    ':00000443',
    ':+443',
    ':-1',
    ':443 ',
    ': 443',
    ':0x1bb',
    ':65536',
    ':66079',
    ':4४3',
    ':４４３',
    ':443a',
    ':443:443',
    ':443@',
    ':1e2',
    ':0',
    ':99999999999',
  ])
}

export function withStray(random: Random, text: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + stray(random) + text.slice(at)
}

function foldName(random: Random, name: string): string {
  return Array.from(name)
    .map((character) => {
      const others = FOLDED[character]
      return others === undefined || random.once(2)
        ? character
        : others[random.below(others.length)]
    })
    .join('')
}

const PUNYCODE_DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789-'

function punycodeLike(random: Random): string {
  const digit = (): string => PUNYCODE_DIGITS.charAt(random.below(PUNYCODE_DIGITS.length))
  return `${random.pick(['xn--', 'XN--', 'xN--'])}${random.some(digit, 0, 14)}.example`
}

/** A path of segments that some server reads loosely. */
export function pathText(random: Random): string {
  const start = random.once(40)
    ? random.pick(['', '//', '\\', '/\\', '//evil.example', '/%2f', '///'])
    : '/'
  const body = random.some(
    () => `${random.pick(SEGMENTS)}${random.pick(['/', '/', '/', '//', '\\', ''])}`,
    0,
    5,
  )
  const path = start + body
  return random.once(6) ? withStray(random, path) : path
}

export function queryText(random: Random): string {
  if (!random.once(3)) return ''
  const piece = (): string =>
    random.pick([
      'a=b',
      '&',
      'a=%zz',
      '%00',
      '%2e',
      '?',
      '#',
      "'",
      '"',
      '<',
      '|',
      '\\',
      ' ',
      'ü',
      '%c3%bc',
      '[',
      '@',
      '//',
      '..',
    ])
  return `?${random.some(piece, 0, 4)}`
}
