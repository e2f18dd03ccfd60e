import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as page from './browser/crypto.ts'
import { isObject } from './canonical.ts'
import { cosignedSubtree, parseTimestamped, type Timestamped } from './cosignature.ts'
import { ed25519Check, p256Check } from './crypto.ts'
import { verifyConsistency, verifyInclusion } from './merkle.ts'
import { openNoteOf, parseNote } from './note.ts'
import { formatTlogProof, verifyTlogProof } from './tlog-proof.ts'
import { formatVkey, type NoteVerifier, parseVkey } from './vkey.ts'

/** What other implementations made; each file in vectors/others names where it is from. */

type Probe = {
  desc: string
  wantErr: boolean
  proof: string[] | null
}
type Inclusion = Probe & { leafIdx: number; treeSize: number; root: string; leafHash: string }
type Consistency = Probe & { size1: number; size2: number; root1: string; root2: string }

const probes = read<{ inclusion: Inclusion[]; consistency: Consistency[] }>('merkle-probes')
const { notes } = read<{ notes: Published[] }>('notes')
const rekor = read<Rekor>('rekor-v2-entry')
const wycheproof = read<{ p256: Wycheproof[]; ed25519: Wycheproof[] }>('wycheproof')

test.for(probes.inclusion)('inclusion, $desc', (probe) => {
  const claim = {
    leaf: bytes(probe.leafHash),
    index: probe.leafIdx,
    size: probe.treeSize,
    proof: (probe.proof ?? []).map(bytes),
    root: bytes(probe.root),
  }
  expect(verifyInclusion(claim)).toBe(!probe.wantErr)
  for (const wrong of spoiltInclusions(claim)) expect(verifyInclusion(wrong)).toBe(false)
})

test.for(probes.consistency)('consistency, $desc', (probe) => {
  const claim = {
    oldSize: probe.size1,
    oldRoot: bytes(probe.root1),
    newSize: probe.size2,
    newRoot: bytes(probe.root2),
    proof: (probe.proof ?? []).map(bytes),
  }
  expect(verifyConsistency(claim)).toBe(!probe.wantErr)
  const extended = { ...claim, proof: [...claim.proof, claim.newRoot] }
  const preceded = { ...claim, proof: [claim.oldRoot, ...claim.proof] }
  for (const wrong of [extended, preceded]) expect(verifyConsistency(wrong)).toBe(false)
})

type Published = {
  source: string
  note: string
  vkeys: { vkey: string; type: string; timeSeconds: number | null }[]
}

test.for(notes)('$source', ({ note, vkeys }) => {
  const verifiers = vkeys.map(({ vkey }) => parseVkey(vkey))
  const opened = openNoteOf(note, verifiers)
  if (opened.kind === 'refused') throw new Error(opened.reason)
  expect(opened.by.map(({ verifier, timeSeconds }) => [verifier.vkey, timeSeconds])).toEqual(
    vkeys.map(({ vkey, timeSeconds }) => [vkey, timeSeconds]),
  )
  expect(verifiers.map(({ type }) => type)).toEqual(vkeys.map(({ type }) => type))
  for (const verifier of verifiers) {
    expect(formatVkey(verifier.name, verifier.publicKey, verifier.type)).toBe(verifier.vkey)
    const other = note.replace(/^[^\n]/, 'X')
    expect(openNoteOf(other, [verifier])).toMatchObject({ reason: 'a signature that does not fit' })
  }
})

test('the ML-DSA-44 cosignature of a witness fits by the page’s own code too', () => {
  const { text, verifier, timeSeconds, signature } = publishedMlDsa()
  const message = cosignedSubtree(text, { name: verifier.name, timeSeconds })
  const check = page.mlDsa44Check(verifier.publicKey)
  expect(check(message ?? Buffer.alloc(0), signature)).toBe(true)
  expect(check(Buffer.from('another'), signature)).toBe(false)
})

function publishedMlDsa(): Timestamped & { text: string; verifier: NoteVerifier } {
  const { note, vkeys } = notes.at(-1) ?? { note: '', vkeys: [] }
  const verifier = parseVkey(vkeys[0]?.vkey ?? '')
  const parsed = parseNote(note)
  if (typeof parsed === 'string') throw new Error(parsed)
  const line = parsed.signatures.find(({ keyId }) => keyId.equals(verifier.keyId))
  const stamped = parseTimestamped(line?.signature ?? Buffer.alloc(0))
  if (stamped === undefined) throw new Error('no timestamped signature')
  return { ...stamped, text: parsed.text, verifier }
}

type Wycheproof = {
  tcId: number
  comment: string
  key: string
  msg: string
  sig: string
  result: 'valid' | 'invalid'
}

test.for([
  ...wycheproof.p256.map((one) => ({ ...one, checks: [p256Check, page.p256Check] })),
  ...wycheproof.ed25519.map((one) => ({ ...one, checks: [ed25519Check, page.ed25519Check] })),
])('Wycheproof $tcId, $comment', ({ key, msg, sig, result, checks }) => {
  const [point, message, signature] = [key, msg, sig].map((text) => Buffer.from(text, 'hex'))
  if (point === undefined || message === undefined || signature === undefined) throw new Error(msg)
  for (const check of checks) expect(check(point)(message, signature)).toBe(result === 'valid')
})

/** The order of P-256: r + n and s + n stand for the same numbers, in 32 bytes where they are small. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

test.for(wycheproof.p256.filter(({ result }) => result === 'valid'))(
  'Wycheproof $tcId, with n more in r or s',
  ({ key, msg, sig }) => {
    const [r, s] = [BigInt(`0x${sig.slice(0, 64)}`), BigInt(`0x${sig.slice(64)}`)]
    for (const [more, other] of [
      [r + ORDER, s],
      [r, s + ORDER],
    ] as const) {
      const twin = Buffer.from([more, other].map((part) => hex32(part)).join(''), 'hex')
      for (const check of [p256Check, page.p256Check]) {
        expect(check(Buffer.from(key, 'hex'))(Buffer.from(msg, 'hex'), twin)).toBe(false)
      }
    }
  },
)

/** What does not fit into 32 bytes loses its highest bits. */
function hex32(value: bigint): string {
  return (value % 2n ** 256n).toString(16).padStart(64, '0')
}

type Rekor = {
  origin: string
  publicKeySpki: string
  logIndex: number
  hashes: string[]
  checkpoint: string
  canonicalizedBody: string
}

test('an entry of the public log of sigstore.dev is proven, by its own proof', () => {
  const leaf = bytes(rekor.canonicalizedBody)
  const log = parseVkey(formatVkey(rekor.origin, bytes(rekor.publicKeySpki).subarray(-32)))
  const proof = formatTlogProof({
    index: rekor.logIndex,
    hashes: rekor.hashes.map(bytes),
    checkpoint: rekor.checkpoint,
  })
  expect(verifyTlogProof(proof, { leaf, log })).toMatchObject({
    kind: 'proven',
    index: 412_114,
    checkpoint: { size: 412_115 },
  })
  expect(verifyTlogProof(proof, { leaf: leaf.subarray(1), log })).toMatchObject({ kind: 'refused' })
})

function spoiltInclusions(claim: Parameters<typeof verifyInclusion>[0]): (typeof claim)[] {
  return [
    { ...claim, index: claim.index + 1 },
    { ...claim, index: claim.index ^ 2 },
    { ...claim, size: claim.size * 2 },
    { ...claim, root: claim.leaf },
    { ...claim, leaf: claim.root },
    { ...claim, proof: [...claim.proof, claim.root] },
    { ...claim, proof: claim.proof.slice(1) },
    { ...claim, proof: [claim.root, ...claim.proof] },
  ]
}

function read<T>(name: string): T {
  const path = new URL(`../vectors/others/${name}.json`, import.meta.url)
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isObject(value)) throw new TypeError(`${name} is no object`)
  // the files are committed; what is wrong in them fails the test that reads it
  return value as T // oxlint-disable-line typescript/no-unsafe-type-assertion
}

function bytes(base64: string): Buffer {
  return Buffer.from(base64, 'base64')
}
