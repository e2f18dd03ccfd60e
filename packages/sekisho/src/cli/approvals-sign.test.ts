import { createHash, generateKeyPairSync } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { ApprovalKind } from '../core/label.ts'
import { isSignedBy } from '../policy/signing-key.ts'
import {
  type ApprovalRefusal,
  approvalBytes,
  type HeldAction,
  heldDigest,
} from '../wire/approval.ts'
import { decodeBody } from './approvals-decode.ts'
import { chooseKind, confirm, describeResult, seen, signAnswer } from './approvals-sign.ts'

function held(content: Uint8Array, fields: string[] = []): HeldAction {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`
  const bytes = Buffer.from(content)
  return {
    id: 'h-00000000000000000000',
    session: 's-00000000000000000000',
    agent: 'a',
    user: 'uma',
    action: { kind: 'dns.resolve', name: 'a.example', type: 'A' },
    fields,
    body: { bytes: bytes.length, digest, content: bytes.toString('base64') },
    operation: null,
    credentials: [],
    label: { integrity: 'user', confidentiality: 'public' },
    sources: [],
    unconfirmed: [],
    findings: [],
    needs: ['approver'],
    rules: [],
    reason: 'r',
    generation: 1,
    policy: `sha256:${'a'.repeat(64)}`,
    openedAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2026-03-01T12:10:00.000Z',
  }
}
const HELLO = Buffer.from('hello')
const nobody = { ask: null }

test('what is signed is what was shown, by its own digest', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = {
    secret: privateKey,
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
  }
  const shown = seen({ held: held(HELLO), needs: ['approver'] })
  const now = new Date('2026-03-01T12:01:00.000Z')
  const signed = signAnswer({ shown, kind: 'approver', answer: 'approve', key, note: '', now })
  expect(signed.statement).toMatchObject({
    digest: heldDigest(held(HELLO)),
    expiresAt: '2026-03-01T12:10:00.000Z',
    signedAt: '2026-03-01T12:01:00.000Z',
  })
  const bytes = approvalBytes(signed.statement)
  expect(isSignedBy(key.publicKey, { bytes, signature: signed.signature })).toBe(true)
  expect(() =>
    signAnswer({ shown, kind: 'approver', answer: 'approve', key, note: 'x'.repeat(1025), now }),
  ).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test('a body that is not the one it is said to be is not shown', () => {
  const lying = held(HELLO)
  const body = lying.body === null ? null : { ...lying.body, content: 'AAAAAAA=' }
  expect(() => seen({ held: { ...lying, body }, needs: ['approver'] })).toThrow(
    expect.objectContaining({ code: 'APPROVAL_REFUSED' }),
  )
})

describe('nobody approves unseen', () => {
  const shown = seen({ held: held(HELLO), needs: ['approver'] })

  test('the digest of what was shown is given', async () => {
    await confirm(shown, { given: shown.digest, ...nobody })
  })

  test('another digest is refused', async () => {
    await expect(
      confirm(shown, { given: `sha256:${'0'.repeat(64)}`, ...nobody }),
    ).rejects.toMatchObject({
      code: 'APPROVAL_REFUSED',
    })
    await expect(
      confirm(shown, { given: shown.digest.slice(0, 15), ...nobody }),
    ).rejects.toMatchObject({
      code: 'APPROVAL_REFUSED',
    })
  })

  test.for<readonly [string, (digits: string) => string, boolean]>([
    ['its first digits', (digits) => `${digits.toUpperCase()} \n`, true],
    ['fewer of them', (digits) => digits.slice(0, 7), false],
    ['nothing', () => '', false],
    ['yes', () => 'y', false],
  ])('typed %s', async ([, type, isEnough]) => {
    const ask = async (): Promise<string> => type(shown.digest.slice(7, 15))
    const confirmed = confirm(shown, { given: undefined, ask }).then(
      () => true,
      () => false,
    )
    expect(await confirmed).toBe(isEnough)
  })

  test('without a terminal and a digest nothing is approved', async () => {
    await expect(confirm(shown, { given: undefined, ...nobody })).rejects.toMatchObject({
      code: 'USAGE',
    })
  })
})

test.for<readonly [string, readonly ApprovalKind[], unknown, ApprovalKind | 'USAGE']>([
  ['an operator, where one is asked', ['approver'], undefined, 'approver'],
  ['the user, where they are asked', ['initiator'], undefined, 'initiator'],
  [
    'the second operator, when the first has answered',
    ['second-approver'],
    'approver',
    'second-approver',
  ],
  ['the first of two operators', ['approver', 'second-approver'], undefined, 'approver'],
  ['whoever says so, where both are asked', ['initiator', 'approver'], 'initiator', 'initiator'],
  [
    'nobody, where both are asked and it is not said',
    ['initiator', 'approver'],
    undefined,
    'USAGE',
  ],
  ['nobody, as something else', ['approver'], 'root', 'USAGE'],
])('answers as %s', ([, needs, as, kind]) => {
  if (kind !== 'USAGE') expect(chooseKind(needs, as)).toBe(kind)
  else expect(() => chooseKind(needs, as)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test.for<ApprovalRefusal>([
  'unknown-hold',
  'unknown-key',
  'bad-signature',
  'other-action',
  'other-session',
  'policy-changed',
  'expired',
  'already-answered',
  'not-asked-for',
  'not-the-initiator',
  'self-approval',
  'user-disabled',
  'session-ended',
])('%s says what to do', (why) => {
  expect(() => describeResult({ kind: 'refused', why, message: 'm' })).toThrow(
    expect.objectContaining({
      code: 'APPROVAL_REFUSED',
      message: `${why}: m`,
      hint: expect.stringMatching(/.{10}/),
    }),
  )
})

describe('a coding is undone', () => {
  test('that is known', () => {
    expect(decodeBody(held(gzipSync(HELLO), ['Content-Encoding', 'gzip']))).toEqual({
      coding: 'gzip',
      bytes: HELLO,
    })
  })

  test.for<readonly [string, Uint8Array, string]>([
    ['not one that is not known', HELLO, 'rot13'],
    ['not several at once', HELLO, 'gzip, gzip'],
    ['not what is none', HELLO, 'gzip'],
    ['not a bomb', gzipSync(Buffer.alloc(17 * 1024 * 1024)), 'gzip'],
  ])('%s', ([, bytes, coding]) => {
    expect(decodeBody(held(bytes, ['content-encoding', coding]))).toEqual({
      coding,
      problem: expect.stringMatching(/./),
    })
  })

  test('only where there is one', () => {
    expect(decodeBody(held(HELLO, ['content-type', 'text/plain']))).toBeUndefined()
  })
})
