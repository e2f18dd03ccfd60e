import { EXTENSION_FUNCTIONS, type ExtensionFunction } from '../../wire/cedar-words.ts'
import {
  Datetime,
  dateOf,
  Duration,
  durationBetween,
  durationIn,
  offsetDatetime,
  readDatetime,
  readDuration,
  timeOf,
} from './datetime.ts'
import { Decimal, readDecimal } from './decimal.ts'
import { IpRange, readIpRange } from './ip-range.ts'
import { type CedarValue, Fault, type Outcome } from './value.ts'

/** An extension's function: its arguments are values already. */
export type CedarFunction = (args: readonly CedarValue[]) => Outcome

type Kind<T> = { name: string; is: (value: CedarValue | undefined) => value is T & CedarValue }

const TEXT: Kind<string> = { name: 'string', is: (value) => typeof value === 'string' }
const IP: Kind<IpRange> = { name: 'ipaddr', is: (value) => value instanceof IpRange }
const DECIMAL: Kind<Decimal> = { name: 'decimal', is: (value) => value instanceof Decimal }
const DATETIME: Kind<Datetime> = { name: 'datetime', is: (value) => value instanceof Datetime }
const DURATION: Kind<Duration> = { name: 'duration', is: (value) => value instanceof Duration }

/** A function of one argument of one type; `why` is the fault when it gives null. */
function unary<T>(of: Kind<T>, apply: (value: T) => CedarValue | null, why = 'overflow') {
  const mistyped = new Fault(`type error: expected ${of.name}`)
  const failed = new Fault(why)
  return (args: readonly CedarValue[]): Outcome => {
    const [value] = args
    if (args.length !== 1) return ARITY
    return of.is(value) ? (apply(value) ?? failed) : mistyped
  }
}

function binary<L, R>(
  of: readonly [Kind<L>, Kind<R>],
  apply: (left: L, right: R) => CedarValue | null,
): CedarFunction {
  const [leftKind, rightKind] = of
  const mistyped = new Fault(`type error: expected ${leftKind.name} and ${rightKind.name}`)
  const failed = new Fault('overflow')
  return (args) => {
    const [left, right] = args
    if (args.length !== 2) return ARITY
    if (!leftKind.is(left) || !rightKind.is(right)) return mistyped
    return apply(left, right) ?? failed
  }
}

const ARITY = new Fault('wrong number of arguments of an extension function')
const DECIMALS = [DECIMAL, DECIMAL] as const

const FUNCTIONS: Readonly<Record<ExtensionFunction, CedarFunction>> = {
  ip: unary(TEXT, readIpRange, 'not an IP address or range'),
  decimal: unary(TEXT, readDecimal, 'not a decimal, or one beyond its range'),
  datetime: unary(TEXT, readDatetime, 'not a datetime'),
  duration: unary(TEXT, readDuration, 'not a duration, or one beyond its range'),
  isIpv4: unary(IP, ({ version }) => version === 4),
  isIpv6: unary(IP, ({ version }) => version === 6),
  isLoopback: unary(IP, (ip) => ip.isLoopback()),
  isMulticast: unary(IP, (ip) => ip.isMulticast()),
  isInRange: binary([IP, IP], (ip, range) => ip.isWithin(range)),
  lessThan: binary(DECIMALS, (a, b) => a.tenThousandths < b.tenThousandths),
  lessThanOrEqual: binary(DECIMALS, (a, b) => a.tenThousandths <= b.tenThousandths),
  greaterThan: binary(DECIMALS, (a, b) => a.tenThousandths > b.tenThousandths),
  greaterThanOrEqual: binary(DECIMALS, (a, b) => a.tenThousandths >= b.tenThousandths),
  offset: binary([DATETIME, DURATION], offsetDatetime),
  durationSince: binary([DATETIME, DATETIME], durationBetween),
  toDate: unary(DATETIME, dateOf),
  toTime: unary(DATETIME, timeOf),
  toMilliseconds: unary(DURATION, durationIn.milliseconds),
  toSeconds: unary(DURATION, durationIn.seconds),
  toMinutes: unary(DURATION, durationIn.minutes),
  toHours: unary(DURATION, durationIn.hours),
  toDays: unary(DURATION, durationIn.days),
}

const BY_NAME: ReadonlyMap<string, CedarFunction> = new Map(
  EXTENSION_FUNCTIONS.map((name) => [name, FUNCTIONS[name]]),
)

/** A name that Cedar does not know is a fault where it is called, not before. */
export function functionNamed(name: string): CedarFunction {
  return BY_NAME.get(name) ?? UNKNOWN
}

const NO_FUNCTION = new Fault('extension function does not exist')
const UNKNOWN: CedarFunction = () => NO_FUNCTION
