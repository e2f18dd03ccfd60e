import {
  claimedBytes,
  isKnownType,
  isSignedType,
  parseCanonical,
  signedLeafBytes,
} from '@sekisho/verify'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { canonicalJson } from '../src/core/canonical-json.ts'
import { signLeaves } from '../src/keyholder/log/leaf-signing.ts'
import { draftLeaf } from '../src/keyholder/log/leaf-text.ts'
import { StartIdentity, StateStamp } from '../src/wire/audit-leaves.ts'
import { claimBytes } from '../src/wire/identity.ts'
import { LeafInput } from '../src/wire/leaves.ts'
import { fieldsOf, samplesOf } from './json-samples.ts'

/**
 * Every field of every signed type: as the keyholder and the gate sign it, with any one field
 * changed, taken out or added, the auditor's word for what was signed is another.
 */

type Fields = Readonly<Record<string, unknown>>

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const options = { dsaEncoding: 'ieee-p1363' } as const
const keyId = 'a'.repeat(32)
const signer = {
  keyId,
  sign: (bytes: Uint8Array) => sign('sha256', bytes, { key: privateKey, ...options }),
}

function isBy(bytes: Buffer, signature: unknown): boolean {
  const value = isFields(signature) ? signature['value'] : ''
  const key = { key: createPublicKey(privateKey), ...options }
  return verify('sha256', bytes, key, Buffer.from(String(value), 'base64'))
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const typeOf = (option: (typeof LeafInput.options)[number]): string => option.shape.type.value
const OPTIONS = LeafInput.options.map((option) => [typeOf(option), option] as const)
const SIGNED = OPTIONS.filter(([type]) => isSignedType(type))

/** As the keyholder stores it, and as the auditor reads it. */
function stored(input: Fields): { leaf: Fields; bytes: Buffer } {
  const [identity] = samplesOf(StartIdentity)
  const [state] = samplesOf(StateStamp)
  const stamps = { ...(input['type'] === 'session.start' ? { identity } : {}), state }
  // a clock that was held is one more stamp
  const at = { nowText: '2026-01-02T03:04:05.678Z', after: '2026-01-02T03:04:06.678Z' }
  const [prepared] = signLeaves([draftLeaf({ ...input, ...stamps }, { ...at, signer })])
  const bytes = prepared?.line.subarray(0, -1) ?? Buffer.alloc(0)
  const leaf = parseCanonical(bytes)
  if (leaf === undefined) throw new TypeError('not canonical')
  return { leaf, bytes }
}

/** Each with one field of it, however deep, changed, taken out or added; and where that was. */
function* spoiled(value: unknown, path: string): Generator<{ path: string; value: unknown }> {
  if (Array.isArray(value)) {
    yield { path, value: [...value, 'more'] }
    for (const [i, item] of value.entries()) {
      for (const inner of spoiled(item, `${path}.${i}`)) {
        yield { path: inner.path, value: value.with(i, inner.value) }
      }
    }
    return
  }
  if (!isFields(value)) return yield { path, value: other(value) }
  yield { path: `${path}+`, value: { ...value, added: 1 } }
  for (const [name, inner] of Object.entries(value)) {
    const rest = Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))
    yield { path: `${path}.${name}-`, value: rest }
    for (const changed of spoiled(inner, `${path}.${name}`)) {
      yield { path: changed.path, value: { ...value, [name]: changed.value } }
    }
  }
}

function other(value: unknown): unknown {
  if (typeof value === 'string') return `${value}x`
  if (typeof value === 'number') return value + 1
  return typeof value === 'boolean' ? !value : 0
}

/** Of a sample, as the schema names its fields. */
function pathsOf(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}*.`))
  if (!isFields(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => [
    `${path}${name}`,
    ...pathsOf(inner, `${path}${name}.`),
  ])
}

test('the auditor knows every type of leaf that there is', () => {
  expect(OPTIONS.filter(([type]) => !isKnownType(type))).toEqual([])
  expect(SIGNED.length).toBe(12)
})

test.for(SIGNED)('no field of %s is outside its session’s signature', ([, option]) => {
  const samples = samplesOf(option).filter(isFields)
  const covered = new Set(samples.flatMap((sample) => pathsOf(sample, '')))
  expect(fieldsOf(option).filter((field) => !covered.has(field))).toEqual([])
  let tried = 0
  for (const sample of samples) {
    const { leaf, bytes } = stored(sample)
    expect(isBy(signedLeafBytes(leaf, bytes), leaf['sig'])).toBe(true)
    const { sig, ...unsigned } = leaf
    for (const { path, value } of spoiled(unsigned, '')) {
      const forged = { ...Object(value), sig }
      const passes = isBy(signedLeafBytes(forged, Buffer.from(canonicalJson(forged))), sig)
      expect({ path, passes }).toEqual({ path, passes: false })
      tried += 1
    }
  }
  expect(tried).toBeGreaterThan(fieldsOf(option).length)
})

test('no field of an outcome is outside its gate’s claim', () => {
  const option = SIGNED.find(([type]) => type === 'action.outcome')?.[1]
  if (option === undefined) throw new Error('no such leaf')
  for (const sample of samplesOf(option).filter(isFields)) {
    const { claim: _, ...handed } = sample
    const value = signer.sign(claimBytes(canonicalJson(handed))).toString('base64')
    const claim = { by: keyId, value }
    const { leaf } = stored({ ...handed, claim })
    expect(isBy(claimedBytes(leaf), claim)).toBe(true)
    for (const { path, value: forged } of spoiled(handed, '')) {
      const passes = isBy(claimedBytes({ ...leaf, ...blank(leaf), ...Object(forged) }), claim)
      expect({ path, passes }).toEqual({ path, passes: false })
    }
  }
})

/** So that a field that was taken out is not there from the leaf itself. */
function blank(leaf: Fields): Fields {
  return Object.fromEntries(Object.keys(leaf).map((name) => [name, undefined]))
}
