import { bigEndian, type Group, inverse, mod, multiplesOf, multiply } from './fixed-base.ts'
import { sha256 } from './sha2.ts'

/** Verification of ECDSA over P-256 with SHA-256 (FIPS 186-5 §6.4) where there is no Node. */

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const BASE_X = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n
const BASE_Y = 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n

/** Projective coordinates: x = X/Z, y = Y/Z. */
type Point = { x: bigint; y: bigint; z: bigint }

const GROUP: Group<Point> = { zero: { x: 0n, y: 1n, z: 0n }, add }
const BASE = multiplesOf(GROUP, { x: BASE_X, y: BASE_Y, z: 1n })

/**
 * Signatures are r‖s (IEEE P1363), 64 bytes.
 *
 * @param point uncompressed, 65 bytes (SEC 1 §2.3.3)
 * @throws TypeError when that is no point of the curve
 */
export function p256Check(
  point: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  const key = multiplesOf(GROUP, decode(point))
  return (message, signature) => {
    if (signature.length !== 64) return false
    const r = bigEndian(signature.subarray(0, 32))
    const s = bigEndian(signature.subarray(32))
    if (!isScalar(r) || !isScalar(s)) return false
    const toS = inverse(s, ORDER)
    const u1 = (bigEndian(sha256(message)) * toS) % ORDER
    const u2 = (r * toS) % ORDER
    const sum = add(multiply(GROUP, BASE, u1), multiply(GROUP, key, u2))
    if (sum.z === 0n) return false
    return mod(sum.x * inverse(sum.z, P), P) % ORDER === r
  }
}

function isScalar(value: bigint): boolean {
  return value > 0n && value < ORDER
}

function decode(bytes: Uint8Array): Point {
  const [x, y] = [bigEndian(bytes.subarray(1, 33)), bigEndian(bytes.subarray(33))]
  const isOnCurve = mod(y * y - x ** 3n + 3n * x - B, P) === 0n
  if (bytes.length !== 65 || bytes[0] !== 4 || x >= P || y >= P || !isOnCurve) {
    throw new TypeError('not a point of P-256')
  }
  return { x, y, z: 1n }
}

/**
 * Complete for a curve with a = −3 and a prime order: Renes, Costello, Batina, «Complete addition
 * formulas for prime order elliptic curves», 2016, equation (4) as their algorithm 4 computes it.
 */
function add(p: Point, q: Point): Point {
  const xx = (p.x * q.x) % P
  const yy = (p.y * q.y) % P
  const zz = (p.z * q.z) % P
  const xy = (p.x + p.y) * (q.x + q.y) - xx - yy
  const yz = (p.y + p.z) * (q.y + q.z) - yy - zz
  const xz = (p.x + p.z) * (q.x + q.z) - xx - zz
  const sum = 3n * (xz - B * zz)
  const [low, high] = [mod(yy - sum, P), mod(yy + sum, P)]
  const mixed = mod(3n * (B * xz - 3n * zz - xx), P)
  const rest = mod(3n * xx - 3n * zz, P)
  return {
    x: mod(xy * high - yz * mixed, P),
    y: mod(high * low + rest * mixed, P),
    z: mod(yz * low + xy * rest, P),
  }
}
