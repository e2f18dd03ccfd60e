import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A constant that bounds a buffer, a time or a count. */
export type Bound = {
  name: string
  /** below `src/` */
  file: string
  value: number
  /** the value with its unit, as docs/limits.md has it */
  text: string
}

/** Names that bounds have, in the house's style; protocol numbers have others. */
const IS_BOUND = /^MAX_|_(?:BYTES|MS|SECONDS?|PER_SECOND|PER_SESSION|LIMIT|RATIO|FACTOR)$/
/** Lengths that a format has, and units: nothing is refused or let go at them. */
const IS_GIVEN =
  /^(?:PREFIX|PREFACE|HEADER|TAG|KEY|CANARY_RANDOM|DERIVED)_BYTES$|^(?:MINUTE|HOUR|DAY)_MS$/
/** What detectors look for is described in their own rows. */
const NO_BUFFERS = /^detect\/(?:egress\/(?:formats|personal-data|entropy|canaries)|exec-rules)\//
const TABLES = /(?:TIMEOUTS|BOUNDS|LIMITS)$/

const DECLARED = /^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=\n]+)? =\s+([^\n{["'`][^\n]*)$/gm
const TABLE = /^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=\n]+)? = \{\n?([^}]*)\}/gm
const ENTRY = /(\w+): ([^,\n]+)/g

/**
 * Every bound in the sources of these layers, read from their text: most are exported by nobody.
 *
 * @param src the sources' directory @param layers directories in it
 */
export function boundsIn(src: string, layers: readonly string[]): Bound[] {
  const files = layers
    .flatMap((layer) => globSync(`${layer}/**/*.ts`, { cwd: src }))
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file) && !NO_BUFFERS.test(file))
    .sort()
  const sources = new Map(files.map((file) => [file, readFileSync(join(src, file), 'utf8')]))
  const known = new Map([...sources.values()].flatMap(declarationsOf))
  return [...sources].flatMap(([file, source]) => {
    const own = new Map([...known, ...declarationsOf(source)])
    return [...declarationsOf(source), ...entriesOf(source)]
      .filter(([name]) => name.includes('.') || (IS_BOUND.test(name) && !IS_GIVEN.test(name)))
      .flatMap(([name, expression]) => {
        const value = evaluate(expression, own)
        return value === undefined ? [] : [{ name, file, value, text: textOf(name, value) }]
      })
  })
}

function declarationsOf(source: string): [name: string, expression: string][] {
  return [...source.matchAll(DECLARED)].map(([, name = '', expression = '']) => [
    name,
    withoutComment(expression),
  ])
}

/** `TIMEOUTS.headersMs` of a table of bounds */
function entriesOf(source: string): [name: string, expression: string][] {
  return [...source.matchAll(TABLE)]
    .filter(([, name = '']) => TABLES.test(name))
    .flatMap(([, name = '', body = '']) =>
      [...body.matchAll(ENTRY)].map(([, key = '', expression = '']): [string, string] => [
        `${name}.${key}`,
        withoutComment(expression),
      ]),
    )
}

function withoutComment(expression: string): string {
  return expression.replace(/\s*(?:\/\/|\/\*).*$/, '').trim()
}

/** Numbers, other constants, `+ - * / **` and parentheses; undefined for anything else. */
export function evaluate(
  expression: string,
  constants: ReadonlyMap<string, string>,
): number | undefined {
  const tokens = expression.match(/\*\*|[()+\-*/]|[\w.]+|\S/g) ?? []
  const reader = { tokens, at: 0, constants }
  const value = readSum(reader)
  return reader.at === tokens.length && Number.isFinite(value) ? value : undefined
}

type TokenReader = { tokens: string[]; at: number; constants: ReadonlyMap<string, string> }

function readSum(reader: TokenReader): number {
  let value = readProduct(reader)
  for (let sign = takeOne(reader, '+-'); sign !== undefined; sign = takeOne(reader, '+-')) {
    value += (sign === '+' ? 1 : -1) * readProduct(reader)
  }
  return value
}

function readProduct(reader: TokenReader): number {
  let value = readPower(reader)
  for (let sign = takeOne(reader, '*/'); sign !== undefined; sign = takeOne(reader, '*/')) {
    const factor = readPower(reader)
    value = sign === '*' ? value * factor : value / factor
  }
  return value
}

function readPower(reader: TokenReader): number {
  const base = readPrimary(reader)
  if (reader.tokens[reader.at] !== '**') return base
  reader.at += 1
  return base ** readPower(reader)
}

function readPrimary(reader: TokenReader): number {
  const token = reader.tokens[reader.at] ?? ''
  reader.at += 1
  if (token === '(') {
    const value = readSum(reader)
    reader.at += 1
    return value
  }
  if (/^\d/.test(token)) return Number(token.replaceAll('_', ''))
  const constant = reader.constants.get(token)
  const rest = new Map([...reader.constants].filter(([name]) => name !== token)) // no circles
  return constant === undefined ? Number.NaN : (evaluate(constant, rest) ?? Number.NaN)
}

function takeOne(reader: TokenReader, signs: string): string | undefined {
  const token = reader.tokens[reader.at]
  if (token === undefined || token.length !== 1 || !signs.includes(token)) return undefined
  reader.at += 1
  return token
}

function textOf(name: string, value: number): string {
  if (/_MS$|Ms$/.test(name)) {
    return scaled(value, [
      [60_000, 'min'],
      [1_000, 's'],
      [1, 'ms'],
    ])
  }
  if (name.endsWith('_PER_SECOND')) return `${grouped(value)}/s`
  if (/_SECONDS?$|Seconds$/.test(name)) return `${grouped(value)} s`
  if (/BYTES/i.test(name)) {
    return scaled(value, [
      [2 ** 50, 'PiB'],
      [2 ** 30, 'GiB'],
      [2 ** 20, 'MiB'],
      [2 ** 10, 'KiB'],
      [1, 'B'],
    ])
  }
  return grouped(value)
}

function scaled(value: number, units: readonly [number, string][]): string {
  const [size, unit] = units.find(([each]) => value % each === 0 && value >= each) ?? [1, '']
  return `${grouped(value / size)} ${unit}`.trim()
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}
