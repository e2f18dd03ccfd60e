import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  bundleBytes,
  bundleDigest,
  type BundleSignature,
  parseSignatures,
  signersOf,
  writeSignatures,
} from './bundle-signatures.ts'
import { keyDigest } from './signing-key.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const OTHER_DIGEST = `sha256:${'b'.repeat(64)}`

type Person = { name: string; key: Buffer; secret: KeyObject }
const aiko = person('aiko')
const ben = person('ben')
const mallory = person('mallory')
const operators = [aiko, ben]

describe('the digest names every file that means something:', () => {
  const files: [string, string][] = [
    ['agents/a.yaml', 'a'],
    ['tests/a.yaml', 'a'],
  ]
  const before = bundleDigest(new Map(files))
  const withFile = (path: string, text: string): string =>
    bundleDigest(new Map([...files, [path, text]]))

  test.for([
    'agents/b.yaml',
    'operators.yaml',
    'platform.yaml',
    'x.cedar',
    'tests/x.cedar',
    'tests/agents/x.yaml',
    'tests/deep/agents/x.yaml',
    'a/tests/x.yaml',
    'signatures.yaml/agents/x.yaml',
  ])('%s', (path) => {
    expect(withFile(path, '')).not.toBe(before)
    expect(withFile(path, 'x')).not.toBe(withFile(path, 'y'))
  })

  test.for(['signatures.yaml', 'tests/b.yaml'])('but not %s', (path) => {
    expect(withFile(path, 'x')).toBe(before)
  })

  test('whatever order they come in', () => {
    expect(bundleDigest(new Map(files.toReversed()))).toBe(before)
  })

  test('and a name is no part of a text', () => {
    const [one, other] = [new Map([['a', 'bc']]), new Map([['ab', 'c']])]
    expect(bundleDigest(one)).not.toBe(bundleDigest(other))
  })
})

test('who has signed exactly this bundle', () => {
  expect(signersOf(DIGEST, [signed(ben, DIGEST), signed(aiko, DIGEST)], operators)).toEqual([
    { name: 'aiko', key: keyDigest(aiko.key) },
    { name: 'ben', key: keyDigest(ben.key) },
  ])
})

describe('counts for nothing', () => {
  test.for([
    ['a signature over another bundle', [signed(aiko, OTHER_DIGEST)]],
    ['a signature of somebody who is no operator', [signed(mallory, DIGEST)]],
    [
      'a signature of somebody else under an operator’s key',
      [{ ...signed(mallory, DIGEST), key: keyDigest(aiko.key) }],
    ],
    ['a signature over the digest alone, without the name of what it is', [bare(aiko, DIGEST)]],
    ['no signature', []],
  ] as const)('%s', ([, signatures]) => {
    expect(signersOf(DIGEST, signatures, operators)).toEqual([])
  })

  test('a second signature of one person', () => {
    const twice = [signed(aiko, DIGEST), { ...signed(aiko, DIGEST), operator: 'ben' }]
    expect(signersOf(DIGEST, twice, operators).map(({ name }) => name)).toEqual(['aiko'])
  })
})

test('an operator’s old signature does not hide the new one', () => {
  const both = [signed(aiko, OTHER_DIGEST), signed(aiko, DIGEST)]
  expect(signersOf(DIGEST, both, operators).map(({ name }) => name)).toEqual(['aiko'])
})

test.for([[[]], [[signed(aiko, DIGEST)]], [[signed(aiko, DIGEST), signed(ben, DIGEST)]]])(
  'what is written is read again',
  ([signatures = []]) => {
    expect(parseSignatures(writeSignatures(signatures), 'signatures.yaml')).toEqual(signatures)
  },
)

test.for([
  ['an unknown key', 'version: 1\nsignatures: []\nextra: 1\n', /signatures\.yaml:1:1: Unrec/],
  [
    'a signature that is too short',
    `version: 1\nsignatures:\n  - { operator: aiko, key: "${DIGEST}", signature: "AAAA" }\n`,
    /signatures\.yaml:3:\d+: want 64 bytes as base64/,
  ],
  [
    'a key that is no digest',
    `version: 1\nsignatures:\n  - { operator: aiko, key: aiko, signature: "${signed(aiko, DIGEST).signature}" }\n`,
    /signatures\.yaml:3:\d+: want sha256: and 64 hex digits/,
  ],
] as const)('refused with its place: %s', ([, source, message]) => {
  expect(() => parseSignatures(source, 'signatures.yaml')).toThrow(message)
})

function person(name: string): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  return { name, key, secret: privateKey }
}

function signed({ name, key, secret }: Person, digest: string): BundleSignature {
  const signature = sign(null, bundleBytes(digest), secret).toString('base64')
  return { operator: name, key: keyDigest(key), signature }
}

function bare({ name, key, secret }: Person, digest: string): BundleSignature {
  const signature = sign(null, Buffer.from(digest), secret).toString('base64')
  return { operator: name, key: keyDigest(key), signature }
}
