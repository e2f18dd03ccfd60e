import { printable, type Read } from './problem.ts'

const BYTES: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

type Range = { min: string; max: string }

/** Whole bytes from `512MiB`. Only binary units: `GB` means two things to two readers. */
export function readSize(text: string, range: Range): Read<number> {
  return readQuantity(text, { ...range, units: BYTES, want: 'a size such as 512MiB or 2GiB' })
}

/** Milliseconds from `90s`, `15m`, `1h`. */
export function readDuration(text: string, range: Range): Read<number> {
  return readQuantity(text, { ...range, units: MILLISECONDS, want: 'a duration such as 90s or 1h' })
}

type Kind = Range & { units: Readonly<Record<string, number>>; want: string }

function readQuantity(text: string, kind: Kind): Read<number> {
  const value = toNumber(text, kind.units)
  if (value === undefined) {
    const shown = printable(text, 32)
    const [, digits, prefix] = /^(\d+) ?([KMGT])B?$/i.exec(text) ?? []
    const meant = `${digits}${prefix?.toUpperCase()}iB`
    const hint =
      toNumber(meant, kind.units) === undefined ? undefined : `did you mean \`${meant}\`?`
    return { problem: `want ${kind.want}, not \`${shown}\``, hint }
  }
  const min = toNumber(kind.min, kind.units) ?? 0
  const max = toNumber(kind.max, kind.units) ?? 0
  if (value >= min && value <= max) return { value }
  return { problem: `want between ${kind.min} and ${kind.max}, not \`${text}\`` }
}

function toNumber(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^([1-9]\d{0,9})([A-Za-z]{1,3})$/.exec(text) ?? []
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined
  return Number(digits) * (units[unit] ?? 0)
}
