import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { formatCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { openNote, openNoteOf, parseNote } from './note.ts'
import { addCosignature, noteCosigner, noteSigner } from './note-signer.ts'
import { parseVkey } from './vkey.ts'

const ORIGIN = 'example.com/log'
const TEXT = formatCheckpoint({ origin: ORIGIN, size: 7, root: EMPTY_ROOT })
const TIME = 1_767_323_045
const log = noteSigner(ORIGIN, generateKeyPairSync('ed25519').privateKey)
const logPostQuantum = noteCosigner(ORIGIN, generateKeyPairSync('ml-dsa-44').privateKey)
const witness = noteCosigner('witness.example/w', generateKeyPairSync('ed25519').privateKey)
const ALL = [log, logPostQuantum, witness].map(({ vkey }) => parseVkey(vkey))

const NOTE = addCosignature(addCosignature(log.sign(TEXT), logPostQuantum, 0), witness, TIME)

test('a note of three keys opens for all of them, with the time that each states', () => {
  const opened = openNoteOf(NOTE, ALL)
  expect(opened).toMatchObject({ kind: 'opened', text: TEXT })
  const by = opened.kind === 'opened' ? opened.by : []
  expect(by.map(({ verifier, timeSeconds }) => [verifier.type, timeSeconds])).toEqual([
    ['ed25519', null],
    ['subtree/v1', null],
    ['cosignature/v1', TIME],
  ])
})

test.for(ALL.map((verifier) => [verifier.type, verifier] as const))(
  'a note of three keys opens for %s alone',
  ([, verifier]) => {
    expect(openNote(NOTE, verifier)).toEqual({ kind: 'opened', text: TEXT })
  },
)

test('the key of one type does not open the signature of another, though it is the same key', () => {
  const key = generateKeyPairSync('ed25519').privateKey
  const plain = noteSigner('same.example', key)
  const note = addCosignature(log.sign(TEXT), noteCosigner('same.example', key), TIME)
  expect(openNote(note, parseVkey(plain.vkey))).toEqual({
    kind: 'refused',
    reason: 'no signature by same.example',
  })
})

test.for([
  ['the ML-DSA-44 signature', 1],
  ['the cosignature', 2],
] as const)('each byte of %s, with its time, counts', ([, line]) => {
  const parsed = parseNote(NOTE)
  if (typeof parsed === 'string') throw new Error(parsed)
  const found = parsed.signatures[line]
  const verifier = ALL[line]
  if (found === undefined || verifier === undefined) throw new Error('no such line')
  expect(verifier.check(TEXT, found.signature)).toBeDefined()
  for (let at = 0; at < found.signature.length; at++) {
    const spoilt = Buffer.from(found.signature)
    spoilt.writeUInt8((spoilt[at] ?? 0) ^ (1 << (at % 8)), at)
    expect([at, verifier.check(TEXT, spoilt)]).toEqual([at, undefined])
  }
  expect(verifier.check(TEXT, found.signature.subarray(0, -1))).toBeUndefined()
  expect(verifier.check(TEXT.replace('7', '8'), found.signature)).toBeUndefined()
})

test('an ML-DSA-44 signature holds the name of its signer', () => {
  const key = generateKeyPairSync('ml-dsa-44').privateKey
  const [one, other] = ['one.example', 'other.example'].map((name) => noteCosigner(name, key))
  if (one === undefined || other === undefined) throw new Error('no signers')
  const parsed = parseNote(addCosignature(log.sign(TEXT), one, TIME))
  if (typeof parsed === 'string') throw new Error(parsed)
  const signature = parsed.signatures[1]?.signature ?? Buffer.alloc(0)
  expect(parseVkey(one.vkey).check(TEXT, signature)).toEqual({ timeSeconds: TIME })
  expect(parseVkey(other.vkey).check(TEXT, signature)).toBeUndefined()
})

test.for([
  ['what is no checkpoint, by a witness', witness, 'hello\n'],
  ['what is no checkpoint, by ML-DSA-44', logPostQuantum, 'hello\n'],
  ['an extension line, which ML-DSA-44 does not cover', logPostQuantum, `${TEXT}more\n`],
] as const)('nothing is cosigned that holds %s', ([, cosigner, text]) => {
  expect(() => cosigner.cosign(text, TIME)).toThrow(TypeError)
})

test('an extension line that was put under an ML-DSA-44 signature is refused', () => {
  const extended = NOTE.replace(TEXT, `${TEXT}more\n`)
  expect(openNote(extended, parseVkey(logPostQuantum.vkey))).toEqual({
    kind: 'refused',
    reason: 'a signature that does not fit',
  })
})

test('a witness may cosign extension lines, and they count', () => {
  const extended = addCosignature(log.sign(`${TEXT}more\n`), witness, TIME)
  const verifier = parseVkey(witness.vkey)
  expect(openNote(extended, verifier).kind).toBe('opened')
  expect(openNote(extended.replace('more', 'less'), verifier).kind).toBe('refused')
})

test.for([
  [
    'an ML-DSA-44 key as Ed25519',
    () => noteSigner('a', generateKeyPairSync('ml-dsa-44').privateKey),
  ],
  [
    'a P-256 key',
    () => noteCosigner('a', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  ],
] as const)('%s makes no signer', ([, make]) => {
  expect(make).toThrow(TypeError)
})

test('no time before 1970 or beyond 2^53 is stated', () => {
  for (const time of [-1, 2 ** 53, 1.5])
    expect(() => witness.cosign(TEXT, time)).toThrow(RangeError)
})
