import {
  bytesOf,
  concat,
  expandA,
  inverseNtt,
  modQ,
  N,
  ntt,
  type Poly,
  Q,
  rows,
  times,
  unpack,
} from './ml-dsa-ring.ts'
import { shake, shakeBytes } from './shake.ts'

/**
 * Verification of ML-DSA-44 signatures (FIPS 204), pure, with an empty context. The names of the
 * standard's algorithms and variables stand beside each part. It holds no secret, so nothing here
 * needs to take the same time for all inputs.
 */

const KEY_BYTES = 1312
const SIGNATURE_BYTES = 2420
/** rows and columns of A */
const K = 4
const L = 4
const GAMMA_1 = 2 ** 17
const GAMMA_2 = (Q - 1) / 88
const TAU = 39
const BETA = 78
const OMEGA = 80
const D = 13
const C_BYTES = 32
const Z_BYTES = 576
const T1_BYTES = 320

type Signature = { c: Uint8Array; z: Poly[]; hints: Uint8Array[] }

/**
 * Prepares a key; its matrix is most of the work.
 *
 * @param key 1312 bytes
 * @throws TypeError when it has another length: nothing else can be wrong with a key
 */
export function mlDsa44Check(
  key: Uint8Array,
): (message: Uint8Array, signature: Uint8Array) => boolean {
  if (key.length !== KEY_BYTES) throw new TypeError(`want a key of ${KEY_BYTES} bytes`)
  const a = expandA(key.subarray(0, 32))
  const t1 = rows((row) => {
    const packed = key.subarray(32 + row * T1_BYTES, 32 + (row + 1) * T1_BYTES)
    return ntt(Int32Array.from(unpack(packed, 10), (value) => (value * 2 ** D) % Q))
  })
  const tr = shakeBytes(256, key, 64)
  return (message, bytes) => {
    const signature = decodeSignature(bytes)
    if (signature === undefined) return false
    // a pure signature over a message without a context: two zeroes before it (algorithm 3)
    const mu = shakeBytes(256, concat([tr, Uint8Array.of(0, 0), message]), 64)
    const w1 = recoverW1({ a, t1 }, signature)
    const c = shakeBytes(256, concat([mu, ...w1.map((poly) => pack6(poly))]), C_BYTES)
    return c.every((byte, i) => byte === signature.c[i])
  }
}

/** Algorithm 8, lines 8 to 10. */
function recoverW1({ a, t1 }: { a: Poly[][]; t1: Poly[] }, { c, z, hints }: Signature): Poly[] {
  const challenge = ntt(sampleInBall(c))
  const zHat = z.map(ntt)
  return rows((row) => {
    const sum = new Int32Array(N)
    const columns = a[row] ?? []
    for (let i = 0; i < N; i += 1) {
      let value = -times(challenge, t1[row], i)
      for (let column = 0; column < L; column += 1) value += times(columns[column], zHat[column], i)
      sum[i] = modQ(value)
    }
    return useHints(inverseNtt(sum), hints[row])
  })
}

/** sigDecode (algorithm 27) with the check of the norm of z; undefined for what is no signature */
function decodeSignature(bytes: Uint8Array): Signature | undefined {
  if (bytes.length !== SIGNATURE_BYTES) return undefined
  const hints = unpackHints(bytes.subarray(C_BYTES + L * Z_BYTES))
  if (hints === undefined) return undefined
  const z: Poly[] = []
  for (let column = 0; column < L; column += 1) {
    const start = C_BYTES + column * Z_BYTES
    const values = unpack(bytes.subarray(start, start + Z_BYTES), 18)
    const poly = Int32Array.from(values, (value) => GAMMA_1 - value)
    if (poly.some((value) => Math.abs(value) >= GAMMA_1 - BETA)) return undefined
    z.push(poly.map(modQ))
  }
  return { c: bytes.subarray(0, C_BYTES), z, hints }
}

/** HintBitUnpack (algorithm 21): there is one encoding for each set of hints, all others fail. */
function unpackHints(bytes: Uint8Array): Uint8Array[] | undefined {
  const hints: Uint8Array[] = []
  let index = 0
  for (let row = 0; row < K; row += 1) {
    const end = bytes[OMEGA + row] ?? 0
    if (end < index || end > OMEGA) return undefined
    const positions = bytes.subarray(index, end)
    if (positions.some((at, i) => i > 0 && (positions[i - 1] ?? 0) >= at)) return undefined
    const hint = new Uint8Array(N)
    for (const at of positions) hint[at] = 1
    hints.push(hint)
    index = end
  }
  return bytes.subarray(index, OMEGA).some((byte) => byte !== 0) ? undefined : hints
}

/** UseHint (algorithm 40) on each coefficient: the high bits that the signer had. */
function useHints(poly: Poly, hints: Uint8Array | undefined): Poly {
  const highest = (Q - 1) / (2 * GAMMA_2)
  return poly.map((value, i) => {
    const { high, low } = decompose(value)
    if ((hints?.[i] ?? 0) === 0) return high
    return low > 0 ? (high + 1) % highest : (high + highest - 1) % highest
  })
}

/** Algorithm 36. */
function decompose(value: number): { high: number; low: number } {
  const rest = value % (2 * GAMMA_2)
  const low = rest > GAMMA_2 ? rest - 2 * GAMMA_2 : rest
  if (value - low === Q - 1) return { high: 0, low: low - 1 }
  return { high: (value - low) / (2 * GAMMA_2), low }
}

/** Algorithm 29: a polynomial with 39 coefficients of 1 or −1. */
function sampleInBall(seed: Uint8Array): Poly {
  const poly = new Int32Array(N)
  const next = bytesOf(shake(256, seed))
  const signs = Array.from({ length: 8 }, next)
  for (let i = N - TAU; i < N; i += 1) {
    let j = next()
    while (j > i) j = next()
    poly[i] = poly[j] ?? 0
    const bit = i + TAU - N
    const isNegative = ((signs[bit >> 3] ?? 0) >> (bit % 8)) % 2 === 1
    poly[j] = isNegative ? Q - 1 : 1
  }
  return poly
}

/** w1Encode (algorithm 28): six bits each. */
function pack6(poly: Poly): Uint8Array {
  const bytes = new Uint8Array((N * 6) / 8)
  for (let i = 0; i < N / 4; i += 1) {
    const [a = 0, b = 0, c = 0, d = 0] = poly.subarray(i * 4, i * 4 + 4)
    const word = a | (b << 6) | (c << 12) | (d << 18)
    bytes.set([word & 0xff, (word >> 8) & 0xff, word >> 16], i * 3)
  }
  return bytes
}
