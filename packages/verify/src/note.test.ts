import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { openNote, parseNote } from './note.ts'
import { openCheckpoint } from './open-checkpoint.ts'
import { noteSigner } from './note-signer.ts'
import { parseTlogProof } from './tlog-proof.ts'
import { parseVkey } from './vkey.ts'

/** The example of Go's note package, the reference for the format. */
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const NOTE = `${TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`
/** A head of the Go checksum database, and its key, as published. */
const SUMDB_VKEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
const SUMDB_HEAD = `go.sum database tree
63096908
8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=

— sum.golang.org Az3gri/oVBN1jAhNZ/iS+W31psFAWRT20/GyrhpU6taFwulQGetBkH5S7wpGXdS935jiIGiUUAXBVHzT/P6fYhqAmAk=
`

const verifier = parseVkey(VKEY)
const signer = noteSigner('PeterNeumann', ed25519From(SEED))

test('signing the published text gives the published note', () => {
  expect(signer.vkey).toBe(VKEY)
  expect(signer.sign(TEXT)).toBe(NOTE)
})

test('the published note opens', () => {
  expect(openNote(NOTE, verifier)).toEqual({ kind: 'opened', text: TEXT })
})

test('a real head of the Go checksum database opens as a note', () => {
  const opened = openNote(SUMDB_HEAD, parseVkey(SUMDB_VKEY))
  const text = SUMDB_HEAD.slice(0, SUMDB_HEAD.indexOf('\n\n') + 1)
  expect(opened).toEqual({ kind: 'opened', text })
  expect(parseCheckpoint(text)).toEqual({
    origin: 'go.sum database tree',
    size: 63_096_908,
    root: Buffer.from('8lHrQPRYe4KT4WQ9/Qk8/taKnD6IRHbFgfN7vQE2Y54=', 'base64'),
  })
})

test('a note with a signature of somebody else beside ours opens', () => {
  const other = noteSigner('other.example/w', generateKeyPairSync('ed25519').privateKey)
  const [line = ''] = other.sign(TEXT).split('\n').slice(-2)
  expect(openNote(`${NOTE}${line}\n`, verifier)).toEqual({ kind: 'opened', text: TEXT })
})

test.for([
  ['another text', NOTE.replace('think', 'thinc'), 'a signature that does not fit'],
  ['a flipped signature', NOTE.replace('x08go/ZJ', 'x08go/ZK'), 'a signature that does not fit'],
  ['another name', NOTE.replace('— Peter', '— Pater'), 'no signature by PeterNeumann'],
  ['no blank line', NOTE.replace('\n\n', '\n'), 'not a signed note'],
  ['no newline at the end', NOTE.slice(0, -1), 'not a signed note'],
  ['a control character', NOTE.replace('think', 'th\tink'), 'not a signed note'],
  ['a hyphen for the dash', NOTE.replace('— ', '- '), 'a malformed signature line'],
  ['loose base64', NOTE.replace('nAM=', 'nAN='), 'a malformed signature line'],
  ['no signature', `${TEXT}\n`, 'a malformed signature line'],
  ['nothing', '', 'not a signed note'],
  [
    '101 signatures',
    NOTE + (NOTE.split('\n').at(-2) ?? '').concat('\n').repeat(100),
    'too many signatures',
  ],
] as const)('refuses a note with %s', ([, note, reason]) => {
  expect(openNote(note, verifier)).toEqual({ kind: 'refused', reason })
})

test('one failing signature of a known key rejects the note, beside a good one', () => {
  const bad = (NOTE.split('\n').at(-2) ?? '').replace('x08go/ZJ', 'x08go/ZK')
  expect(openNote(`${NOTE}${bad}\n`, verifier).kind).toBe('refused')
})

test.for([
  ['another hash', VKEY.replace('c74f20a3', 'c74f20a4')],
  ['another name', VKEY.replace('Peter', 'Pater')],
  ['a short key', 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='],
  ['an unknown type', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ['a space in the name', VKEY.replace('Peter', 'Peter ')],
  ['nothing', ''],
] as const)('refuses a vkey with %s', ([, vkey]) => {
  expect(() => parseVkey(vkey)).toThrow(TypeError)
})

test('every text that can be signed opens again as itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (body) => {
      const text = `${body.replaceAll(/[\p{Cc}]/gu, '')}\n`
      expect(openNote(signer.sign(text), verifier)).toEqual({ kind: 'opened', text })
    }),
    { numRuns: 50 },
  )
})

test('a checkpoint is written as the specification shows it', () => {
  const root = Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64')
  const text = formatCheckpoint({ origin: 'example.com/behind-the-sofa', size: 20_852_163, root })
  expect(text).toBe(
    'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n',
  )
  expect(parseCheckpoint(text)).toEqual({
    origin: 'example.com/behind-the-sofa',
    size: 20_852_163,
    root,
  })
})

const ROOT = EMPTY_ROOT.toString('base64')
test.for([
  ['a leading zero', `a\n01\n${ROOT}\n`],
  ['a sign', `a\n+1\n${ROOT}\n`],
  ['a size that no number holds', `a\n9007199254740993\n${ROOT}\n`],
  ['a short root', 'a\n1\nAAAA\n'],
  ['an empty origin', `\n1\n${ROOT}\n`],
  ['an empty extension line', `a\n1\n${ROOT}\n\n`],
  ['no newline at the end', `a\n1\n${ROOT}`],
] as const)('refuses a checkpoint with %s', ([, text]) => {
  expect(parseCheckpoint(text)).toBeUndefined()
})

test('a checkpoint of another origin is refused, though the key signed it', () => {
  const note = signer.sign(formatCheckpoint({ origin: 'elsewhere', size: 0, root: EMPTY_ROOT }))
  expect(openCheckpoint(note, verifier)).toEqual({
    kind: 'refused',
    reason: 'a checkpoint of another log, elsewhere',
  })
})

test('whatever text comes, reading it as a note, a key, a checkpoint or a proof says what it is', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.nat(NOTE.length), fc.string({ unit: 'grapheme' }))
      .map(([at, noise]) => NOTE.slice(0, at) + noise + NOTE.slice(at + noise.length)),
  )
  fc.assert(
    fc.property(text, (noise) => {
      const read = parseNote(noise)
      expect(typeof read === 'string' || read.signatures.length > 0).toBe(true)
      const opened = openNote(noise, verifier)
      expect(opened.kind === 'refused' || opened.text === TEXT).toBe(true)
      expect(parseCheckpoint(noise)?.origin).not.toBe('')
      expect(parseTlogProof(noise)).toBeUndefined()
      expect(() => parseVkey(noise)).toThrow(TypeError)
    }),
  )
})

function ed25519From(seed: Buffer): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}
