import { addLongs, type CedarLong, divideLong, longOf, moduloLong, subtractLongs } from './long.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Cedar's datetime: milliseconds since 1970 in UTC, without leap seconds. */
export class Datetime {
  readonly epochMs: CedarLong

  constructor(epochMs: CedarLong) {
    this.epochMs = epochMs
  }
}

/** Cedar's duration: milliseconds. */
export class Duration {
  readonly ms: CedarLong

  constructor(ms: CedarLong) {
    this.ms = ms
  }
}

const DATETIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(?:Z|([+-])(\d{2})(\d{2})))?$/

/**
 * `YYYY-MM-DD`, with or without `Thh:mm:ss[.SSS]` and `Z` or an offset `±hhmm`; null for others.
 *
 * @see https://github.com/cedar-policy/rfcs/blob/main/text/0080-datetime-extension.md
 */
export function readDatetime(text: string): Datetime | null {
  const found = DATETIME.exec(text)
  if (found === null) return null
  const number = (group: number): number => Number(found[group] ?? 0)
  const days = daysOf({ year: number(1), month: number(2), day: number(3) })
  const time = clockMs(number(4), number(5), number(6))
  const offset = clockMs(number(9), number(10), 0)
  if (days === null || time === null || offset === null) return null
  const sign = found[8] === '-' ? -1 : 1
  return new Datetime(days * DAY_MS + time + number(7) - sign * offset)
}

/** Days since 1970; null for a day that no month has. The year 0 is one. */
function daysOf({ year, month, day }: { year: number; month: number; day: number }): number | null {
  // not Date.UTC, which takes the years below 100 for those of the last century
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const isOne = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isOne ? date.getTime() / DAY_MS : null
}

function clockMs(hours: number, minutes: number, seconds: number): number | null {
  if (hours > 23 || minutes > 59 || seconds > 59) return null
  return hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS
}

const DURATION = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/
const UNITS_MS = [DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, 1]
/** no number of 64 bits has more */
const MAX_DIGITS = 20

/** `1d2h3m4s5ms`, each part at most once and in this order, with or without `-` in front. */
export function readDuration(text: string): Duration | null {
  const [, sign, ...amounts] = DURATION.exec(text) ?? []
  if (!amounts.some((amount) => amount !== undefined)) return null
  let total = 0n
  for (const [index, unitMs] of UNITS_MS.entries()) {
    const digits = (amounts[index] ?? '').replace(/^0+/, '')
    if (digits.length > MAX_DIGITS) return null
    total += BigInt(digits) * BigInt(unitMs)
  }
  const ms = longOf(sign === '-' ? -total : total)
  return ms === null ? null : new Duration(ms)
}

/** null on overflow */
export function offsetDatetime(from: Datetime, by: Duration): Datetime | null {
  const epochMs = addLongs(from.epochMs, by.ms)
  return epochMs === null ? null : new Datetime(epochMs)
}

/** null on overflow */
export function durationBetween(later: Datetime, earlier: Datetime): Duration | null {
  const ms = subtractLongs(later.epochMs, earlier.epochMs)
  return ms === null ? null : new Duration(ms)
}

/** Midnight of its day; null where that is before the first moment there is. */
export function dateOf({ epochMs }: Datetime): Datetime | null {
  const midnight = subtractLongs(epochMs, moduloLong(epochMs, DAY_MS))
  return midnight === null ? null : new Datetime(midnight)
}

export function timeOf({ epochMs }: Datetime): Duration {
  return new Duration(moduloLong(epochMs, DAY_MS))
}

export const durationIn = {
  milliseconds: ({ ms }: Duration): CedarLong => ms,
  seconds: ({ ms }: Duration): CedarLong => divideLong(ms, SECOND_MS),
  minutes: ({ ms }: Duration): CedarLong => divideLong(ms, MINUTE_MS),
  hours: ({ ms }: Duration): CedarLong => divideLong(ms, HOUR_MS),
  days: ({ ms }: Duration): CedarLong => divideLong(ms, DAY_MS),
} as const
