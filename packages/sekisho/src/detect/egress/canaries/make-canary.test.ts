import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Canary } from '../../../wire/canary.ts'
import { spellings } from '../../needles.ts'
import { indexPrints } from '../secret-prints/print-index.ts'
import { PrintScan } from '../secret-prints/print-scan.ts'
import { canaryPrints } from './canary-prints.ts'
import { CANARY_RANDOM_BYTES, makeCanary } from './make-canary.ts'

const KEY = Buffer.alloc(32, 3)
const random = fc
  .uint8Array({ minLength: CANARY_RANDOM_BYTES, maxLength: CANARY_RANDOM_BYTES })
  .map((bytes) => Uint8Array.from(bytes))

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

test('every canary has the form of what it pretends to be, and a file that holds it', () => {
  fc.assert(
    fc.property(random, (bytes) => {
      const canary = Canary.parse(makeCanary(bytes))
      const [id, secret, token] = canary.tokens.map(({ value }) => value)
      expect(id).toMatch(/^AKIA[A-Z2-7]{16}$/)
      expect(secret).toMatch(/^[A-Za-z0-9+/]{40}$/)
      expect(token).toMatch(/^ghp_[0-9A-Za-z]{36}$/)
      const content = canary.files.map((file) => file.content).join('')
      expect([id, secret, token].filter((value) => !content.includes(value ?? '?'))).toEqual([])
    }),
  )
})

test('the token’s last six characters are the check sum of the thirty before', () => {
  fc.assert(
    fc.property(random, (bytes) => {
      const token = makeCanary(bytes).tokens[2]?.value ?? ''
      const sum = token
        .slice(34)
        .split('')
        .reduce((value, character) => value * 62 + BASE62.indexOf(character), 0)
      expect(sum).toBe(crc32(token.slice(4, 34)))
    }),
  )
})

test('two sessions have no canary in common', () => {
  const [one, two] = [1, 2].map((by) =>
    makeCanary(
      Uint8Array.from({ length: CANARY_RANDOM_BYTES }, (_, at) => (at * 37 * by + by) % 256),
    ),
  )
  const values = [...(one?.tokens ?? []), ...(two?.tokens ?? [])].map(({ value }) => value)
  expect(new Set(values).size).toBe(6)
})

test('any spelling of any of them is found by its name', () => {
  fc.assert(
    fc.property(random, fc.nat(5_000), (bytes, cut) => {
      const canary = makeCanary(bytes)
      const index = indexPrints({ key: KEY.toString('base64'), secrets: canaryPrints(canary, KEY) })
      for (const { name, value } of canary.tokens) {
        for (const spelling of spellings(value)) {
          const text = Buffer.concat([Buffer.from('x='), spelling, Buffer.from('&')])
          const scan = new PrintScan(index)
          const pieces = [text.subarray(0, cut % text.length), text.subarray(cut % text.length)]
          const found = pieces.flatMap((piece) => scan.push(piece))
          expect(found).toContainEqual({
            detector: `canary.${name}`,
            class: 'canary',
            start: 2,
            end: 2 + spelling.length,
          })
        }
      }
    }),
    { numRuns: 20 },
  )
})

test('too little chance is refused', () => {
  expect(() => makeCanary(new Uint8Array(CANARY_RANDOM_BYTES - 1))).toThrow(RangeError)
})

test.for(['/etc/passwd', '../x', 'a/../b', 'a/..', './a', 'a b'])(
  'a file at %s is refused',
  (path) => {
    const canary = makeCanary(new Uint8Array(CANARY_RANDOM_BYTES))
    const files = [{ path, content: 'x' }]
    expect(Canary.safeParse({ ...canary, files }).success).toBe(false)
  },
)
