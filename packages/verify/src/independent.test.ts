import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { formatCheckpoint } from './checkpoint.ts'
import { countIndependent, type TrustedWitness } from './independent.ts'
import { EMPTY_ROOT } from './merkle.ts'
import { type NoteCosigner, noteCosigner, noteSigner } from './note-signer.ts'
import { parseVkey } from './vkey.ts'

const log = noteSigner('log.example/a', generateKeyPairSync('ed25519').privateKey)
const text = formatCheckpoint({ origin: log.name, size: 0, root: EMPTY_ROOT })
const other = formatCheckpoint({ origin: log.name, size: 0, root: Buffer.alloc(32) })

function witness(name: string, operator: string): { trusted: TrustedWitness; key: NoteCosigner } {
  const key = noteCosigner(name, generateKeyPairSync('ed25519').privateKey)
  return { trusted: { name, operator, keys: [parseVkey(key.vkey)] }, key }
}

function noteBy(...keys: NoteCosigner[]): string {
  return log.sign(text) + keys.map((key, at) => key.cosign(text, 1000 + at)).join('')
}

const [a1, a2, b, own] = [
  witness('w/a1', 'Acme'),
  witness('w/a2', ' acme'),
  witness('w/b', 'Bolt'),
  witness('w/own', 'self'),
]
const all = [a1, a2, b, own].map(({ trusted }) => trusted)

test('two witnesses of one operator are one, and the log’s own operator is none', () => {
  expect(countIndependent(noteBy(a1.key, a2.key, own.key), all)).toEqual({
    operators: ['Acme'],
    cosigned: [
      { name: 'w/a1', operator: 'Acme', timeSeconds: 1000 },
      { name: 'w/a2', operator: ' acme', timeSeconds: 1001 },
      { name: 'w/own', operator: 'self', timeSeconds: 1002 },
    ],
    spoiled: [],
  })
})

test('witnesses of two operators are two; strangers are not counted', () => {
  const stranger = witness('w/x', 'X').key
  expect(countIndependent(noteBy(a1.key, b.key, stranger), all).operators).toEqual(['Acme', 'Bolt'])
})

test('a cosignature of another tree is named and not counted, and takes nothing from the others', () => {
  const note = noteBy(b.key) + a1.key.cosign(other, 5)
  expect(countIndependent(note, all)).toEqual({
    operators: ['Bolt'],
    cosigned: [{ name: 'w/b', operator: 'Bolt', timeSeconds: 1000 }],
    spoiled: ['w/a1'],
  })
})

test('no cosignature is no operator', () => {
  expect(countIndependent(noteBy(), all).operators).toEqual([])
})

test('a key that two operators claim counts for nobody', () => {
  const twice = [a1.trusted, { ...a1.trusted, operator: 'Bolt' }]
  expect(() => countIndependent(noteBy(a1.key), twice)).toThrow(TypeError)
})
