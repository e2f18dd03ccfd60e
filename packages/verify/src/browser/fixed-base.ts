/** The points of a curve under addition; `add` holds for every two of them, equal or not. */
export type Group<P> = { readonly zero: P; add(a: P, b: P): P }

const WINDOW_BITS = 4n
const WINDOWS = 64

/** For each window of four bits the multiples of a point that it can stand for. */
export type Multiples<P> = readonly (readonly P[])[]

/** A few milliseconds of work, once for a key; {@link multiply} then needs 64 additions. */
export function multiplesOf<P>(group: Group<P>, point: P): Multiples<P> {
  let base = point
  return Array.from({ length: WINDOWS }, () => {
    const row = [group.zero]
    for (let n = 1; n < 16; n += 1) row.push(group.add(row[n - 1] ?? group.zero, base))
    base = group.add(row[15] ?? group.zero, base)
    return row
  })
}

/** @param scalar below 2^256 */
export function multiply<P>(group: Group<P>, multiples: Multiples<P>, scalar: bigint): P {
  let sum = group.zero
  let rest = scalar
  for (const row of multiples) {
    sum = group.add(sum, row[Number(rest % 16n)] ?? group.zero)
    rest >>= WINDOW_BITS
  }
  return sum
}

/** Not below zero, as `%` alone would give it. */
export function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus
  return rest < 0n ? rest + modulus : rest
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = mod(base, modulus)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest % 2n === 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** By Fermat's little theorem; the modulus is a prime. */
export function inverse(value: bigint, prime: bigint): bigint {
  return power(value, prime - 2n, prime)
}

export function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n)
}
