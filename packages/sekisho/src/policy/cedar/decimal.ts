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
  const [, sign, written, fraction] = /^(-?)([0-9]+)\.([0-9]{1,4})$/.exec(text) ?? []
  if (written === undefined || fraction === undefined) return null
  // on its own: in the pattern above, a long run of zeros would be cut in two at every place
  const whole = written.replace(/^0+/, '')
  if (whole.length > MAX_WHOLE_DIGITS) return null
  const size = BigInt(whole + fraction.padEnd(DIGITS, '0'))
  const value = longOf(sign === '-' ? -size : size)
  return value === null ? null : new Decimal(value)
}
