const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

export const TIME_HINT = 'give a time as 2026-01-31T13:00:00Z, 2026-01-31 or -2h (s, m, h, d, w)'

/**
 * A point in time as people write it: RFC 3339, a day (its beginning in UTC), `now`, or how long ago
 * (`-90s`, `-2h`, `-7d`).
 *
 * @returns Unix ms; undefined for anything else, such as the 30th of February
 */
export function parseTime(text: string, nowMs: number): number | undefined {
  if (text === 'now') return nowMs
  const [, count, unit = ''] = /^-(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (count !== undefined) return nowMs - Number(count) * (UNITS_MS[unit] ?? 0)
  return parseRfc3339(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
}

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?([Zz]|[+-]\d{2}:\d{2})$/

function parseRfc3339(text: string): number | undefined {
  const [, day, minutes, seconds = '00', fraction = '', zone = ''] = RFC_3339.exec(text) ?? []
  if (day === undefined || !isDay(day)) return undefined
  const milliseconds = fraction.padEnd(3, '0').slice(0, 3)
  const ms = Date.parse(`${day}T${minutes}:${seconds}.${milliseconds}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** `Date.parse` takes the 30th of February for a day in March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}
