import { sign } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Operator } from '../policy/operators.ts'
import { type QuarantineEntry, releaseBytes, SignedRelease } from '../wire/quarantine.ts'
import { keyDigest } from '../policy/signing-key.ts'
import {
  AGENT,
  AIKO,
  BECAUSE,
  BEN,
  digest,
  ID,
  QuarantineBench,
  signed,
  signer,
  statement,
} from './testing/quarantine.ts'

const EVE = signer('eve')

let bench: QuarantineBench
beforeEach(() => {
  bench = new QuarantineBench()
})
afterEach(() => bench.close())

describe('release', () => {
  test('two different operators release, each step in the log first', async () => {
    const quarantine = bench.open()
    const { entry } = quarantine.set(AGENT, BECAUSE)
    const consent = (by: Operator): QuarantineEntry['consents'][number] => ({
      operator: by.name,
      key: keyDigest(by.key),
      reason: 'a debugger, looked at',
      expiresAt: '2026-03-02T12:00:00.000Z',
    })
    expect(await quarantine.release(signed(AIKO))).toEqual({ ...entry, consents: [consent(AIKO)] })
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
    bench.now = new Date('2026-03-01T13:00:00.000Z')
    const released = await bench.open().release(signed(BEN)) // also after a restart
    expect(released).toEqual({
      ...entry,
      consents: [consent(AIKO), consent(BEN)],
      releasedAt: '2026-03-01T13:00:00.000Z',
    })
    expect(bench.open().refuse(AGENT)).toBeUndefined()
    const leaf = { type: 'quarantine.release', id: ID, reason: 'a debugger, looked at' }
    const name = (by: Operator): unknown => ({ name: by.name, key: keyDigest(by.key) })
    expect(bench.leaves).toEqual([
      { ...leaf, operators: [name(AIKO)], released: false },
      { ...leaf, operators: [name(AIKO), name(BEN)], released: true },
    ])
  })

  test('a released agent that tries again is in a new quarantine', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    await quarantine.release(signed(BEN))
    const { entry, isNew } = quarantine.set(AGENT, BECAUSE)
    expect([entry.id, isNew]).toEqual(['q-00000000000000000002', true])
    expect(quarantine.refuse(AGENT)?.message).toContain(entry.id)
  })

  test('no record, no release', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    bench.isLogUp = false
    await expect(quarantine.release(signed(BEN))).rejects.toThrow('the log is down')
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
    bench.isLogUp = true
    await quarantine.release(signed(BEN))
    expect(quarantine.refuse(AGENT)).toBeUndefined()
  })

  test('one operator’s two requests at once are one consent', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    const both = [quarantine.release(signed(AIKO)), quarantine.release(signed(AIKO))]
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
    ])
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
  })

  test('a consent that has expired counts no more, and its operator may give it again', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    bench.now = new Date('2026-03-02T12:00:00.000Z')
    const expiresAt = '2026-03-03T12:00:00.000Z'
    expect((await quarantine.release(signed(BEN, { expiresAt }))).releasedAt).toBeNull()
    expect((await quarantine.release(signed(AIKO, { expiresAt }))).releasedAt).not.toBeNull()
  })

  test('the consent of an operator who was taken off the list counts no more', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    bench.operators = [BEN, EVE]
    expect((await quarantine.release(signed(BEN))).releasedAt).toBeNull()
  })

  test('a release that was made is made once', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    await quarantine.release(signed(BEN))
    await expect(quarantine.release(signed(BEN))).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  })

  test.for([
    ['nobody', () => [], 0],
    ['one operator', () => [AIKO], 1],
  ] as const)(
    'with %s in operators.yaml, it says how there come to be two',
    async ([, who, count]) => {
      bench.operators = who()
      const quarantine = bench.open()
      quarantine.set(AGENT, BECAUSE)
      await expect(quarantine.release(signed(AIKO))).rejects.toMatchObject({
        code: 'PERMISSION_REQUIRED',
        message: `a release takes two operators, and operators.yaml of the bundle names ${count}`,
        hint: 'each operator runs `sekisho operator keygen` and adds the line that it prints to operators.yaml',
      })
    },
  )

  test.for([
    ['a line feed', 'x\nsekisho: released'],
    ['an escape sequence', 'x\u001b[2J'],
    ['a turn of direction', 'x\u202e'],
    ['nothing', ' '],
    ['half a character', 'x\ud800'],
  ] as const)('a reason with %s is no statement', ([, reason]) => {
    expect(
      SignedRelease.safeParse({
        statement: { ...statement(BEN), reason },
        signature: 'A'.repeat(88),
      }).success,
    ).toBe(false)
  })
})

describe('refused as a second consent', () => {
  /** Each tries to be the second consent, after aiko's. */
  const REFUSED: readonly (readonly [string, () => SignedRelease, string])[] = [
    [
      'the same operator again',
      () => signed(AIKO, { expiresAt: '2026-03-02T11:00:00.000Z' }),
      'aiko has agreed already',
    ],
    ['a replay of the first signature', () => signed(AIKO), 'aiko has agreed already'],
    ['a key that is no operator’s', () => signed(EVE), 'this key is no operator’s'],
    [
      'a stranger who gives an operator’s key as their own',
      () => signed(EVE, { key: keyDigest(BEN.key) }),
      'the signature is not over this statement',
    ],
    [
      'a reason changed after it was signed',
      () => ({ ...signed(BEN), statement: statement(BEN, { reason: 'never mind' }) }),
      'the signature is not over this statement',
    ],
    [
      'another reason than the first operator’s',
      () => signed(BEN, { reason: 'never mind' }),
      'aiko agreed for another reason: a debugger, looked at',
    ],
    [
      'a signature of which the expiry was put off',
      () => ({
        ...signed(BEN),
        statement: statement(BEN, { expiresAt: '2026-03-02T12:00:00.001Z' }),
      }),
      'the signature is not over this statement',
    ],
    [
      'an expired signature',
      () => signed(BEN, { expiresAt: '2026-03-01T12:00:00.000Z' }),
      'the signature expired at 2026-03-01T12:00:00.000Z',
    ],
    [
      'a signature for years to come',
      () => signed(BEN, { expiresAt: '2029-03-01T12:00:00.000Z' }),
      'the signature is valid for more than a day',
    ],
    [
      'a signature over another id, with the id put in place',
      () => ({
        ...signed(BEN, { quarantine: 'q-00000000000000000009' }),
        statement: statement(BEN),
      }),
      'the signature is not over this statement',
    ],
    [
      'a signature over another id',
      () => signed(BEN, { quarantine: 'q-00000000000000000009' }),
      'no quarantine q-00000000000000000009 is in force',
    ],
    [
      'a statement about another agent',
      () => signed(BEN, { agent: 'other' }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a statement about another definition',
      () => signed(BEN, { configuration: digest('f') }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a statement about an image that it has not',
      () => signed(BEN, { image: digest('f') }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a signature over the bare statement, without its domain',
      () => ({
        statement: statement(BEN),
        signature: sign(null, releaseBytes(statement(BEN)).slice(32), BEN.secret).toString(
          'base64',
        ),
      }),
      'the signature is not over this statement',
    ],
  ]
  test.for(REFUSED)('%s is refused', async ([, second, message]) => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    const first = await quarantine.release(signed(AIKO))
    const attempt = SignedRelease.parse(second())
    await expect(quarantine.release(attempt)).rejects.toMatchObject({ message })
    expect(quarantine.list().entries).toEqual([first])
    expect(bench.leaves).toHaveLength(1)
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
  })
})
