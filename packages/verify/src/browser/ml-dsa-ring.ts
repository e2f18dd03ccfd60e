import { shake } from './shake.ts'

/** Polynomials of ML-DSA (FIPS 204): 256 coefficients modulo Q, and what is computed with them. */

export const Q = 8_380_417
export const N = 256
/** rows and columns of the matrix A of ML-DSA-44 */
const K = 4
const L = 4
const INVERSE_256 = 8_347_681

/** Coefficients from 0 to Q − 1. */
export type Poly = Int32Array

/** ExpandA and RejNTTPoly (algorithms 32 and 30). */
export function expandA(rho: Uint8Array): Poly[][] {
  return rows((row) =>
    Array.from({ length: L }, (_, column) => rejectionSample(concat([rho, [column, row]]))),
  )
}

function rejectionSample(seed: Uint8Array): Poly {
  const poly = new Int32Array(N)
  const next = bytesOf(shake(128, seed))
  for (let filled = 0; filled < N; ) {
    const value = next() + next() * 2 ** 8 + (next() % 128) * 2 ** 16
    if (value < Q) {
      poly[filled] = value
      filled += 1
    }
  }
  return poly
}

export function bytesOf(nextBlock: () => Uint8Array): () => number {
  let block = nextBlock()
  let at = 0
  return () => {
    if (at === block.length) {
      block = nextBlock()
      at = 0
    }
    at += 1
    return block[at - 1] ?? 0
  }
}

/** ζ^brv(m) for each m (FIPS 204 §7.5, appendix B); ζ is 1753. */
const ZETAS = Int32Array.from({ length: N }, (_, m) => {
  let exponent = 0
  for (let bit = 0; bit < 8; bit += 1) if ((m >> bit) % 2 === 1) exponent += 2 ** (7 - bit)
  let zeta = 1
  for (let i = 0; i < exponent; i += 1) zeta = (zeta * 1753) % Q
  return zeta
})

/** Algorithm 41. Products stay below 2^46, which a number holds exactly. */
export function ntt(poly: Poly): Poly {
  const w = Int32Array.from(poly)
  let m = 0
  for (let length = 128; length >= 1; length /= 2) {
    for (let start = 0; start < N; start += 2 * length) {
      m += 1
      const zeta = ZETAS[m] ?? 0
      for (let j = start; j < start + length; j += 1) {
        const even = w[j] ?? 0
        const odd = (zeta * (w[j + length] ?? 0)) % Q
        w[j + length] = modQ(even - odd)
        w[j] = (even + odd) % Q
      }
    }
  }
  return w
}

/** Algorithm 42. */
export function inverseNtt(poly: Poly): Poly {
  const w = Int32Array.from(poly)
  let m = N
  for (let length = 1; length < N; length *= 2) {
    for (let start = 0; start < N; start += 2 * length) {
      m -= 1
      const zeta = Q - (ZETAS[m] ?? 0)
      for (let j = start; j < start + length; j += 1) {
        const even = w[j] ?? 0
        const odd = w[j + length] ?? 0
        w[j] = (even + odd) % Q
        w[j + length] = (zeta * modQ(even - odd)) % Q
      }
    }
  }
  return w.map((value) => (value * INVERSE_256) % Q)
}

/** SimpleBitUnpack (algorithm 18): whole numbers of so many bits, the lowest first. */
export function unpack(bytes: Uint8Array, bits: number): number[] {
  const values: number[] = []
  let [held, heldBits] = [0, 0]
  for (const byte of bytes) {
    held += byte * 2 ** heldBits
    heldBits += 8
    while (heldBits >= bits) {
      values.push(held % 2 ** bits)
      held = Math.floor(held / 2 ** bits)
      heldBits -= bits
    }
  }
  return values
}

export function times(left: Poly | undefined, right: Poly | undefined, i: number): number {
  return ((left?.[i] ?? 0) * (right?.[i] ?? 0)) % Q
}

export function rows<T>(of: (row: number) => T): T[] {
  return Array.from({ length: K }, (_, row) => of(row))
}

export function modQ(value: number): number {
  const rest = value % Q
  return rest < 0 ? rest + Q : rest
}

export function concat(parts: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
