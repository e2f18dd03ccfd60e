import { isIPv4 } from 'node:net'

/** The part of DER (X.690) that certificates and their revocation lists need, as bytes. */

export function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts)
}

export function set(...parts: readonly Buffer[]): Buffer {
  return tagged(0x31, ...parts)
}

/** [n] EXPLICIT or constructed IMPLICIT */
export function context(number: number, ...parts: readonly Buffer[]): Buffer {
  return tagged(0xa0 | number, ...parts)
}

/** [n] IMPLICIT of a primitive type */
export function implicit(number: number, content: Uint8Array): Buffer {
  return tagged(0x80 | number, content)
}

/** A non-negative INTEGER from its big-endian bytes: shortest form (X.690 §8.3.2). */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1
  const digits = bytes.subarray(start)
  const needsSign = (digits[0] ?? 0) >= 0x80
  return tagged(0x02, needsSign ? Buffer.from([0]) : Buffer.alloc(0), digits)
}

export function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]))
}

/** Named bits from the first on, trailing zeros left out as DER demands (X.690 §11.2.2). */
export function namedBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits)
  const bytes = Buffer.alloc(Math.floor(last / 8) + 1)
  for (const bit of bits)
    bytes[Math.floor(bit / 8)] = (bytes[Math.floor(bit / 8)] ?? 0) | (0x80 >> (bit % 8))
  return tagged(0x03, Buffer.from([7 - (last % 8)]), bytes)
}

export function bitString(content: Uint8Array): Buffer {
  return tagged(0x03, Buffer.from([0]), content)
}

export function octetString(content: Uint8Array): Buffer {
  return tagged(0x04, content)
}

/** ENUMERATED, below 128 */
export function enumerated(value: number): Buffer {
  return tagged(0x0a, Buffer.from([value]))
}

export function utf8String(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text))
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5); whole seconds. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]|\.\d{3}/g, '')
  return at.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits))
}

/** Arcs may be of any size: those below 2.25 are 128-bit UUIDs (X.667). */
export function objectId(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  return tagged(0x06, Buffer.from([first * 40n + second, ...rest].flatMap(base128)))
}

function base128(value: bigint): number[] {
  const digits = [Number(value % 128n)]
  for (let rest = value / 128n; rest > 0n; rest /= 128n) digits.unshift(Number(rest % 128n) | 0x80)
  return digits
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(length)]), ...parts])
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [0x80 | octets.length, ...octets]
}

/** The octets of a numeric address, as iPAddress names carry it (RFC 5280 §4.2.1.6). */
export function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const groups = ipv6Groups(address)
  return Buffer.from(groups.flatMap((group) => [group >>> 8, group & 0xff]))
}

function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const left = groupsOf(head)
  const right = groupsOf(tail ?? '')
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
