/**
 * Cedar's Long: a whole number of 64 bits, signed. A number where it is a safe integer and a bigint
 * beyond, always in that one form, so `===` compares two of them.
 */
export type CedarLong = number | bigint

const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** In its one form; null where it does not fit in 64 bits. */
export function longOf(value: bigint): CedarLong | null {
  if (value < MIN || value > MAX) return null
  const small = Number(value)
  return Number.isSafeInteger(small) ? small : value
}

export function isLong(value: unknown): value is CedarLong {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** null on overflow, as for the functions below */
export function addLongs(left: CedarLong, right: CedarLong): CedarLong | null {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return longOf(BigInt(left) + BigInt(right))
}

export function subtractLongs(left: CedarLong, right: CedarLong): CedarLong | null {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return longOf(BigInt(left) - BigInt(right))
}

export function multiplyLongs(left: CedarLong, right: CedarLong): CedarLong | null {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    // 0 is added so that no zero is negative
    if (Number.isSafeInteger(product)) return product + 0
  }
  return longOf(BigInt(left) * BigInt(right))
}

export function negateLong(value: CedarLong): CedarLong | null {
  return subtractLongs(0, value)
}

/** The quotient without its fraction, so towards zero. @param by not zero */
export function divideLong(value: CedarLong, by: number): CedarLong {
  // a division of doubles would round up just below a whole quotient
  if (typeof value === 'number') return (value - (value % by)) / by + 0
  return longOf(value / BigInt(by)) ?? 0
}

/** What is left over, from 0 to below `by`, for negative values too. @param by positive */
export function moduloLong(value: CedarLong, by: number): number {
  const rest = typeof value === 'number' ? value % by : Number(value % BigInt(by))
  return rest < 0 ? rest + by : rest + 0
}
