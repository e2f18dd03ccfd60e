import { bigEndian, type Group, inverse, mod, multiplesOf, multiply, power } from './fixed-base.ts'
import { sha512 } from './sha2.ts'

/** Verification of Ed25519 signatures (RFC 8032 §5.1) where there is no Node. */

const P = 2n ** 255n - 19n
/** order of the base point */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const D = mod(-121665n * inverse(121666n, P), P)
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n, P)

/** Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z (§5.1.4). */
type Point = { x: bigint; y: bigint; z: bigint; t: bigint }

const GROUP: Group<Point> = { zero: { x: 0n, y: 1n, z: 1n, t: 0n }, add }
const BASE = multiplesOf(GROUP, pointAt(mod(4n * inverse(5n, P), P), 0n) ?? GROUP.zero)

/**
 * @param key 32 bytes
 * @throws TypeError when that is no point of the curve
 */
export function ed25519Check(
  key: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  const point = decode(key)
  if (point === undefined) throw new TypeError('not an Ed25519 key')
  const negated = multiplesOf(GROUP, { ...point, x: mod(-point.x, P), t: mod(-point.t, P) })
  return (message, signature) => {
    if (signature.length !== 64) return false
    const r = signature.subarray(0, 32)
    const s = littleEndian(signature.subarray(32))
    // a larger one would be a second signature over the same message
    if (s >= ORDER) return false
    const k = littleEndian(sha512(Uint8Array.of(...r, ...key, ...message))) % ORDER
    const sum = add(multiply(GROUP, BASE, s), multiply(GROUP, negated, k))
    return encode(sum).every((byte, i) => byte === r[i])
  }
}

/** §5.1.4 */
function add(p: Point, q: Point): Point {
  const a = ((p.y - p.x) * (q.y - q.x)) % P
  const b = ((p.y + p.x) * (q.y + q.x)) % P
  const c = (((2n * p.t * q.t) % P) * D) % P
  const d = (2n * p.z * q.z) % P
  const [e, f, g, h] = [b - a, d - c, d + c, b + a]
  return { x: mod(e * f, P), y: mod(g * h, P), t: mod(e * h, P), z: mod(f * g, P) }
}

/** §5.1.3; undefined for a y that is not below P, or that is of no point */
function decode(bytes: Uint8Array): Point | undefined {
  if (bytes.length !== 32) return undefined
  const value = littleEndian(bytes)
  return pointAt(value % 2n ** 255n, value >> 255n)
}

function pointAt(y: bigint, sign: bigint): Point | undefined {
  if (y >= P) return undefined
  const u = mod(y * y - 1n, P)
  const v = mod(D * y * y + 1n, P)
  const candidate = mod(u * v ** 3n * power(mod(u * v ** 7n, P), (P - 5n) / 8n, P), P)
  const square = mod(v * candidate * candidate, P)
  if (square !== u && square !== mod(-u, P)) return undefined
  const root = square === u ? candidate : mod(candidate * ROOT_OF_MINUS_ONE, P)
  if (root === 0n && sign === 1n) return undefined
  const x = root % 2n === sign ? root : P - root
  return { x, y, z: 1n, t: mod(x * y, P) }
}

function encode({ x, y, z }: Point): Uint8Array {
  const toAffine = inverse(z, P)
  const isOdd = mod(x * toAffine, P) % 2n
  let rest = mod(y * toAffine, P) + isOdd * 2n ** 255n
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(rest % 256n)
    rest /= 256n
    return byte
  })
}

function littleEndian(bytes: Uint8Array): bigint {
  return bigEndian(bytes.toReversed())
}
