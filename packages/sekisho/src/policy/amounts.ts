import * as z from 'zod'
import { printable, type Read } from './problem.ts'
import { text } from './text.ts'

/** Micro-USD from `5.00 USD`: exact, so not of more than six decimals. */
export function readUsd(input: string): Read<number> {
  const [, whole, fraction = ''] = /^(0|[1-9]\d{0,9})(?:\.(\d{1,6}))? USD$/.exec(input) ?? []
  if (whole !== undefined)
    return { value: Number(whole) * 1_000_000 + Number(fraction.padEnd(6, '0')) }
  const [, meant] = /^\$?(\d{1,10}(?:\.\d{1,6})?) ?(?:USD|\$)?$/i.exec(input) ?? []
  return {
    problem: `want an amount such as 5.00 USD, not \`${printable(input, 32)}\``,
    hint:
      meant === undefined
        ? 'write digits, at most six decimals, and USD'
        : `did you mean \`${meant.replace(/^0+(?=\d)/, '')} USD\`?`,
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1000, M: 1_000_000, G: 1_000_000_000 }

/** Whole tokens or calls from `500K`, `2M`: thousands, as price lists have them. */
export function readCount(input: string): Read<number> {
  const [, digits, unit = ''] = /^(0|[1-9]\d{0,11})([KMG]?)$/.exec(input) ?? []
  const value = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN)
  if (Number.isSafeInteger(value)) return { value }
  return { problem: `want a number such as 2M or 500K, not \`${printable(input, 32)}\`` }
}

/** Money, written as text; of a bare number it is said what it lacks. */
export const Usd = z.preprocess(numberAsText, text(readUsd))

/** `1048576`, or `2M`. */
export const CountText = z.preprocess(numberAsText, text(readCount))

function numberAsText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value
}
