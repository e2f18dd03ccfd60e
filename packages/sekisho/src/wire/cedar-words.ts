/** The words of Cedar's expressions in its JSON form. */

export const BINARY_OPERATORS = [
  '==',
  '!=',
  'in',
  '<',
  '<=',
  '>',
  '>=',
  '&&',
  '||',
  '+',
  '-',
  '*',
  'contains',
  'containsAll',
  'containsAny',
  'getTag',
  'hasTag',
] as const
export type BinaryOperator = (typeof BINARY_OPERATORS)[number]

export const UNARY_OPERATORS = ['!', 'neg', 'isEmpty'] as const
export type UnaryOperator = (typeof UNARY_OPERATORS)[number]

/** Constructors and methods; the first argument of a method is what it is called on. */
export const EXTENSION_FUNCTIONS = [
  'ip',
  'decimal',
  'datetime',
  'duration',
  'isIpv4',
  'isIpv6',
  'isLoopback',
  'isMulticast',
  'isInRange',
  'lessThan',
  'lessThanOrEqual',
  'greaterThan',
  'greaterThanOrEqual',
  'offset',
  'durationSince',
  'toDate',
  'toTime',
  'toMilliseconds',
  'toSeconds',
  'toMinutes',
  'toHours',
  'toDays',
] as const
export type ExtensionFunction = (typeof EXTENSION_FUNCTIONS)[number]
