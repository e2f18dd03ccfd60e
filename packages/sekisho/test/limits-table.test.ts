import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Bound, boundsIn, evaluate } from './bounds.ts'

const packages = join(import.meta.dirname, '..')
const table = readFileSync(join(packages, '../../docs/limits.md'), 'utf8')
const rows = [...table.matchAll(/^\| `([\w.]+)` \| `([\w./-]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, name = '', file = '', text = '', what = '']) => ({ key: `${file} ${name}`, text, what }),
)

/** Here every bound must have its row; rows of others are only compared. */
const COVERED = [
  'budget',
  'llm',
  'gate',
  'core',
  'detect',
  'policy/provenance',
  'export',
  'witness',
  'keyholder/identity',
  'transcripts',
]
const LAYERS = [
  'budget',
  'llm',
  'gate',
  'core',
  'detect',
  'policy',
  'wire',
  'flow',
  'keyholder',
  'export',
  'witness',
  'transcripts',
]
const bounds = boundsIn(join(packages, 'src'), LAYERS)

test('there is something to compare', () => {
  expect(bounds.length).toBeGreaterThan(100)
  expect(rows.length).toBeGreaterThan(100)
  expect(rows.length).toBe(table.split('\n').filter((line) => line.startsWith('| `')).length)
})

test('every row of docs/limits.md is a constant with this value, once', () => {
  const values = new Map(bounds.map((bound) => [keyOf(bound), bound.text]))
  const wrong = rows
    .filter(({ key, text }) => values.get(key) !== text)
    .map(
      ({ key, text }) => `docs/limits.md: ${key} is ${values.get(key) ?? 'not there'}, not ${text}`,
    )
  expect(wrong).toEqual([])
  expect(rows.length).toBe(new Set(rows.map(({ key }) => key)).size)
  expect(rows.filter(({ what }) => what.trim().length < 8)).toEqual([])
})

test('every bound of the gate, the detectors, the pure values, the exporter and witnesses has a row', () => {
  const known = new Set(rows.map(({ key }) => key))
  const missing = bounds
    .filter(({ file }) => COVERED.some((layer) => file.startsWith(`${layer}/`)))
    .filter((bound) => !known.has(keyOf(bound)))
    .map(
      ({ name, file, text }) =>
        `add to docs/limits.md: | \`${name}\` | \`${file}\` | ${text} | what happens there |`,
    )
  expect(missing).toEqual([])
})

const CONSTANTS = new Map([
  ['A', '16 * 1024'],
  ['B', 'A * 2'],
  ['ROUND', 'ROUND + 1'],
])

test.for([
  ['16 * 1024', 16_384],
  ['1_000', 1_000],
  ['2 ** 20 + 1', 1_048_577],
  ['(1 + 2) * 3', 9],
  ['B / 4', 8_192],
  ['0x7f', 127],
  ['ROUND', undefined],
  ['UNKNOWN * 2', undefined],
  ['f(2)', undefined],
  ["'text'", undefined],
] as const)('the constant %s is %s', ([expression, value]) => {
  expect(evaluate(expression, CONSTANTS)).toBe(value)
})

function keyOf({ file, name }: Bound): string {
  return `${file} ${name}`
}
