import { type CedarLong, longOf } from './long.ts'

const DIGITS = 4
/** of 2^63 ten-thousandths, before the point */
const MAX_WHOLE_DIGITS = 15

/** Cedar's decimal: at most four digits after the point. */
export class Decimal {
  readonly tenThousandths: CedarLong

  constructor(tenThousandths: CedarLong) {
    this.tenThousandths = tenThousandths
  }
}

/** `-?[0-9]+.[0-9]{1,4}` within 64 bits of ten-thousandths; null for anything else. */
export function readDecimal(text: string): Decimal | null {
  const [, sign, whole, fraction] = /^(-?)0*([0-9]+)\.([0-9]{1,4})$/.exec(text) ?? []
  if (whole === undefined || fraction === undefined || whole.length > MAX_WHOLE_DIGITS) return null
  const size = BigInt(whole + fraction.padEnd(DIGITS, '0'))
  const value = longOf(sign === '-' ? -size : size)
  return value === null ? null : new Decimal(value)
}
