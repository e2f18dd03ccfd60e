import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileDetectors } from '../engine.ts'
import { blob } from './blob.ts'

const detectors = compileDetectors([blob])
const isFound = (text: string): boolean => detectors.scanText(text).length > 0

/** Bytes that look random and are the same each time. */
function noise(seed: string, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`${seed} ${at}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}
const SEEDS = Array.from({ length: 200 }, (_, at) => `seed ${at}`)

test.for([
  ['base64', 36, 0.9],
  ['base64', 64, 0.95],
  ['base64', 300, 0.99],
  ['base64', 3_000, 0.99],
  ['base64url', 64, 0.95],
  ['hex', 50, 0.99],
  ['hex', 300, 0.99],
] as const)('finds random bytes in %s, %i of them, but for a few', ([encoding, length, share]) => {
  const found = SEEDS.filter((seed) => isFound(`x "${noise(seed, length).toString(encoding)}"`))
  expect(found.length / SEEDS.length).toBeGreaterThanOrEqual(share)
})

const benign: readonly (readonly [string, string])[] = [
  ['the integrity of a lock file', `"integrity": "sha512-${noise('a', 64).toString('base64')}"`],
  ['an id of git', `commit ${noise('b', 20).toString('hex')}`],
  ['a digest of an image', `image@sha256:${noise('c', 32).toString('hex')}`],
  ['a picture in a sheet', `url(data:image/webp;base64,${noise('d', 300).toString('base64')})`],
  [
    'a public key',
    `ssh-ed25519 ${Buffer.from('\0\0\0\x0bssh-ed25519').toString('base64')}${noise('e', 33).toString('base64')}`,
  ],
  ['a path', 'import a from "../packages/sekisho/src/detect/egress/secret-prints/print-scan"'],
  ['a long name', 'const theQuickBrownFoxJumpsOverTheLazyDogAndOverTheLazyCat2 = 1'],
  ['a constant', 'MAX_NUMBER_OF_CONCURRENT_STREAMS_PER_CONNECTION_V2 = 1'],
  [
    'text in base64',
    Buffer.from('the quick brown fox jumps over the lazy dog 17 times').toString('base64'),
  ],
  ['an id with hyphens', 'xxxxxxxx-123e4567-e89b-12d3-a456-426614174000'],
  ['a line of hyphens', '-'.repeat(400)],
  ['an alphabet', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'],
]

test.for(benign)('does not find %s', ([, text]) => {
  expect(isFound(text)).toBe(false)
})

test('finds nothing in words, however they are joined', () => {
  const word = fc.constantFrom(
    'handle',
    'Request',
    'session',
    'Store',
    'get',
    'By',
    'Id',
    'index',
    'v2',
  )
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 30 }),
      fc.constantFrom('', '/', '-', '_'),
      (words, by) => {
        expect(isFound(words.join(by))).toBe(false)
      },
    ),
  )
})
