import { crc32 as sumOf } from '../../../core/crc32.ts'

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE36 = '0123456789abcdefghijklmnopqrstuvwxyz'

/** Of a text of single bytes. */
export function crc32(text: string): number {
  return sumOf(Buffer.from(text, 'latin1'))
}

/** Tokens that end with the CRC-32 of what stands between prefix and checksum, in base 62. */
export function endsWithCrc(token: string): boolean {
  const body = token.slice(token.indexOf('_') + 1, -6)
  return inBase(crc32(body), { digits: BASE62, length: 6 }) === token.slice(-6)
}

function inBase(value: number, { digits, length }: { digits: string; length: number }): string {
  let rest = value
  let text = ''
  while (text.length < length || rest > 0) {
    text = (digits[rest % digits.length] ?? '') + text
    rest = Math.floor(rest / digits.length)
  }
  return text
}

/** GitLab's routable tokens end with the CRC-32 of everything before it, in base 36. */
export function endsWithGitlabCrc(token: string): boolean {
  return inBase(crc32(token.slice(0, -7)), { digits: BASE36, length: 7 }) === token.slice(-7)
}

/** Zuplo's keys: `zpka_<random>_<CRC-32 of it, hexadecimal>`. */
export function endsWithHexCrc(token: string): boolean {
  const [, random = '', checksum] = token.split('_')
  return crc32(random).toString(16).padStart(8, '0') === checksum
}
