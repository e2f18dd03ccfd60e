/** What generated policies, entities and requests are made of: few words, so that they meet. */
import type { EntityUid } from '../../../src/wire/cedar.ts'
import type { Random } from '../random.ts'

const TYPES = ['User', 'Group', 'NS::Host', 'Folder', 'Ghost'] as const
const IDS = ['a', 'b', 'c', 'é', '__proto__', 'a"b\\'] as const
export const ACTIONS = ['read', 'write', 'admin', 'all'] as const

/** Attribute names, by the type that a value usually has. */
export const NAMES = {
  bool: ['on', 'constructor'],
  long: ['n', 'big', '__proto__'],
  string: ['s', 'name', 'a b'],
  entity: ['owner', 'e'],
  set: ['tags', 'members'],
  record: ['facts', 'r'],
  ip: ['ip'],
  decimal: ['score'],
  datetime: ['now'],
  duration: ['age'],
} as const
export type TypeName = keyof typeof NAMES
export const TYPE_NAMES = [
  'bool',
  'long',
  'string',
  'entity',
  'set',
  'record',
  'ip',
  'decimal',
  'datetime',
  'duration',
] as const satisfies readonly TypeName[]

const LONGS = [
  0,
  1,
  -1,
  2,
  3,
  7,
  10,
  1_000,
  -1_000,
  2 ** 31,
  4_294_967_296,
  -4_294_967_297,
] as const
const EDGES = [2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 52, 3_037_000_500, -3_037_000_499] as const
/** of entities and contexts only: no policy in JSON has them */
const HUGE = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2n ** 62n] as const

const LETTERS = [
  'a',
  'b',
  '*',
  '\\',
  'é',
  'e\u0301',
  '😀',
  '\u{1f601}',
  '/',
  '.',
  ' ',
  '\u0000',
] as const

export const EXTENSION_TEXTS = {
  ip: [
    '10.0.0.1',
    '10.0.0.1/32',
    '10.0.0.0',
    '10.0.0.0/9',
    '10.128.0.0/9',
    '1:2:3:4::5:6:7:8',
    '1:2:3::5:6:7:8',
    '10.0.0.0/8',
    '10.9.9.9/8',
    '127.0.0.1',
    '224.0.0.0/4',
    '224.0.0.0/3',
    '0.0.0.0/0',
    '::1',
    '::1/128',
    '::',
    '::/0',
    'ff00::/8',
    'FF02::1',
    '1:2:3:4:5:6:7::',
    '::ffff:a00:1',
    '::ffff:10.0.0.1',
    '010.0.0.1',
    '10.0.0.1/08',
    '10.0.0.256',
    '10.0.0',
    '::1/129',
    'fe80::1%eth0',
    '1::2::3',
  ],
  decimal: [
    '0.0',
    '1.0',
    '1.00',
    '01.0000',
    '-0.5',
    '-0.0',
    '2.5',
    '1.5',
    '1.05',
    '1.4999',
    '0.0001',
    '922337203685477.5807',
    '-922337203685477.5808',
    '922337203685477.5808',
    '1.00000',
    '1',
    '.5',
    '+1.0',
    '1.0 ',
  ],
  datetime: [
    '1970-01-01',
    '1969-12-31',
    '2024-02-29',
    '2023-02-29',
    '2024-10-15T11:38:02Z',
    '2024-10-15T11:38:02.101Z',
    '2024-10-15T11:38:02.101+1134',
    '2024-10-15T11:38:02-2359',
    '2024-10-15T24:00:00Z',
    '2016-12-31T23:59:60Z',
    '0000-01-01',
    '0099-03-01T00:00:00.001Z',
    '9999-12-31T23:59:59.999-2359',
    '2024-10-15T11:38:02+2400',
    '2024-10-15T11:38Z',
    '2024-1-1',
  ],
  duration: [
    '0ms',
    '1ms',
    '-1ms',
    '1d',
    '24h',
    '-1d2h3m4s5ms',
    '1d2h3m4s5ms',
    '86399999ms',
    '9223372036854775807ms',
    '-9223372036854775808ms',
    '9223372036854775808ms',
    '106751991168d',
    '-106751991167d7h12m55s808ms',
    '-106751991167d7h12m55s809ms',
    '',
    '-',
    '1h1d',
    '1.5h',
  ],
} as const
export type ExtensionName = keyof typeof EXTENSION_TEXTS

export function uid(random: Random): EntityUid {
  return { type: random.pick(TYPES), id: random.pick(IDS) }
}

export function actionUid(random: Random): EntityUid {
  return { type: 'Action', id: random.pick(ACTIONS) }
}

export function entityType(random: Random): string {
  return random.pick(TYPES)
}

export function text(random: Random): string {
  return random.some(() => random.pick(LETTERS), 0, 4)
}

export function safeLong(random: Random): number {
  return random.once(4) ? random.pick(EDGES) : random.pick(LONGS)
}

export function anyLong(random: Random): number | bigint {
  return random.once(4) ? random.pick(HUGE) : safeLong(random)
}

/** One of the texts above, sometimes with a character changed. */
export function extensionText(random: Random, name: ExtensionName): string {
  const texts: readonly [string, ...string[]] = EXTENSION_TEXTS[name]
  const chosen = random.pick(texts)
  if (!random.once(8)) return chosen
  const at = random.below(chosen.length + 1)
  return chosen.slice(0, at) + random.pick(['0', '9', '-', ':', '.', '']) + chosen.slice(at + 1)
}

export function typeName(random: Random): TypeName {
  return random.pick(TYPE_NAMES)
}

export function nameFor(random: Random, type: TypeName): string {
  const names: readonly [string, ...string[]] = NAMES[type]
  return random.pick(names)
}
