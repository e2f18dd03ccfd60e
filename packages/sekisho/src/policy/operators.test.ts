import { describe, expect, test } from 'vitest'
import { parseOperators, writeKey } from './operators.ts'

const FIRST = writeKey(Buffer.alloc(32, 1))
const SECOND = writeKey(Buffer.alloc(32, 2))
const file = (...lines: readonly string[]): string =>
  ['version: 1', 'operators:', ...lines.map((line) => `  - ${line}`)].join('\n')

test('operators are read with their keys as bytes', () => {
  const text = file(`{ name: aiko, key: "${FIRST}" }`, `{ name: ben, key: "${SECOND}" }`)
  expect(parseOperators(text, 'operators.yaml')).toEqual([
    { name: 'aiko', key: Buffer.alloc(32, 1) },
    { name: 'ben', key: Buffer.alloc(32, 2) },
  ])
})

test('a list of nobody is valid', () => {
  expect(parseOperators('version: 1\noperators: []', 'operators.yaml')).toEqual([])
})

describe('refused, with the place', () => {
  test.for([
    [
      'one key under two names, with which one person would release alone',
      file(`{ name: aiko, key: "${FIRST}" }`, `{ name: ben, key: "${FIRST}" }`),
      `operators.yaml:4:23: operators[1]: this key is another operator's already`,
    ],
    [
      'one name twice',
      file(`{ name: aiko, key: "${FIRST}" }`, `{ name: aiko, key: "${SECOND}" }`),
      `operators.yaml:4:13: operators[1]: this name is another operator's already`,
    ],
    [
      'a key without its kind',
      file(`{ name: aiko, key: "${FIRST.slice(8)}" }`),
      'operators.yaml:3:24: want ed25519: and base64',
    ],
    [
      'a key that is too short',
      file('{ name: aiko, key: "ed25519:AAAA" }'),
      'operators.yaml:3:24: want ed25519: and 32 bytes as base64',
    ],
    [
      'a key written in another way than its one',
      file(`{ name: aiko, key: "${FIRST} " }`),
      'operators.yaml:3:24: want ed25519: and 32 bytes as base64',
    ],
    [
      'a misspelt key',
      file(`{ name: aiko, key: "${FIRST}", admin: true }`),
      'operators.yaml:3:5: Unrecognized key: "admin"',
    ],
    [
      'a name that could pass for another on a screen',
      file(`{ name: "Aiko ", key: "${FIRST}" }`),
      'operators.yaml:3:13: want lower-case letters and digits',
    ],
    [
      'another version',
      'version: 2\noperators: []',
      'operators.yaml:1:10: Invalid input: expected 1',
    ],
  ] as const)('%s', ([, text, message]) => {
    expect(() => parseOperators(text, 'operators.yaml')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message }),
    )
  })
})
