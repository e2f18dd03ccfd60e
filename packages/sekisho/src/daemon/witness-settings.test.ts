import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { noteCosigner, noteSigner } from '@sekisho/verify'
import { expect, test } from 'vitest'
import { degradedWitnesses, healthyWitnesses, refuseBroken, unasked } from './witness-report.ts'
import { WitnessSettings, witnessingOf } from './witness-settings.ts'

const ed25519 = (): KeyObject => generateKeyPairSync('ed25519').privateKey
const vkey = noteCosigner('w.example/a', ed25519()).vkey
const other = noteCosigner('w.example/b', ed25519()).vkey
const a = { name: 'a', url: 'https://w.example/a', vkey, operator: 'Acme' }
const b = { name: 'b', url: 'unix:/run/w.sock', vkey: [other], operator: 'Bolt' }

test('what is told to the exporter is what the file says, with durations in ms', () => {
  const settings = WitnessSettings.parse({ quorum: 2, every: '10s', list: [a, b] })
  expect(witnessingOf(settings, ['log key'])).toEqual({
    witnesses: [
      { name: 'a', url: 'https://w.example/a', vkeys: [vkey], operator: 'Acme' },
      { name: 'b', url: 'unix:/run/w.sock', vkeys: [other], operator: 'Bolt' },
    ],
    quorum: 2,
    logVkeys: ['log key'],
    everyMs: 10_000,
    lagMs: 60_000,
  })
})

test('without a list nobody cosigns', () => {
  expect(witnessingOf(WitnessSettings.parse({}), [])).toBe(null)
})

test.each([
  ['plain HTTP to another host', { list: [{ ...a, url: 'http://w.example/a' }] }],
  ['a password in the URL', { list: [{ ...a, url: 'https://u:p@w.example/' }] }],
  ['a key that signs logs', { list: [{ ...a, vkey: noteSigner('x', ed25519()).vkey }] }],
  ['a key that is none', { list: [{ ...a, vkey: 'w+00000000+AAAA' }] }],
  ['two of one name', { list: [a, { ...b, name: 'a' }] }],
  ['two with one key', { list: [a, { ...b, vkey }] }],
  [
    'a quorum of more operators than there are',
    { quorum: 2, list: [a, { ...b, operator: ' ACME' }] },
  ],
  ['a quorum that only the log’s own operator could fill', { list: [{ ...a, operator: 'self' }] }],
  ['an unknown key', { list: [{ ...a, color: 'red' }] }],
])('%s is refused', (_name, settings) => {
  expect(WitnessSettings.safeParse(settings).success).toBe(false)
})

const current = {
  name: 'a',
  operator: 'Acme',
  cosigned: 7,
  at: 'T',
  isCurrent: true,
  trouble: null,
}
const behind = {
  ...current,
  name: 'b',
  operator: 'Bolt',
  isCurrent: false,
  trouble: { reason: 'unreachable' as const, detail: 'ECONNREFUSED' },
}

test('below the quorum is degraded, counted by operators', () => {
  const twin = { ...current, name: 'c', operator: 'acme ' }
  expect(degradedWitnesses([current, twin, behind], 2)).toEqual([
    'witnesses: 1 of 2 operators have cosigned the log',
    'witness: b of Bolt, 7 leaves cosigned at T; unreachable: ECONNREFUSED',
  ])
  expect(degradedWitnesses([current], 1)).toEqual([])
  expect(healthyWitnesses([current, behind])).toEqual([
    'witness    a of Acme, 7 leaves cosigned at T',
  ])
})

test('a start ends where a witness knows more than the files, and not where it is not heard', () => {
  const answer = { name: 'a', operator: 'Acme', detail: 'why', note: null }
  const unknown = { ...answer, found: 'unknown' as const }
  expect(() => refuseBroken([{ ...answer, found: 'sound' }, unknown])).not.toThrow()
  expect(() => refuseBroken([unknown, { ...answer, found: 'broken' }])).toThrow(
    expect.objectContaining({
      code: 'LOG_BROKEN',
      message: expect.stringContaining('a of Acme: why'),
    }),
  )
  expect(unasked([unknown])).toEqual(['witness a of Acme was not heard: why'])
})
