import { generateKeyPairSync, sign } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { socketPair } from '../../src/gate/testing/socket-pair.ts'
import { gateKeyBytes, type KeySignature } from '../../src/wire/identity.ts'
import type { LeafInput } from '../../src/wire/leaves.ts'
import { KeyholderBench } from '../../src/keyholder/testing/keyholder-bench.ts'
import { intent, OTHER, outcome, SESSION } from '../../src/keyholder/testing/leaves.ts'
import { TestGate } from '../../src/keyholder/testing/test-gate.ts'

/** Who speaks for somebody else, or twice: refused, on record, and told to whoever contains it. */

type Forged = { leaves: LeafInput[]; claim: KeySignature | null }

const FIRST = outcome('a')
const SECOND = outcome('b')
const OUTCOMES = [FIRST, SECOND]

const CONFLICT = { code: 'IDENTITY_CONFLICT' }

let bench: KeyholderBench
beforeEach(async () => {
  bench = await KeyholderBench.open()
})
afterEach(async () => {
  await bench.close()
})

/** The conflict that was told and recorded; nothing else may have come of it. */
async function expectConflict(expected: object, by: number | null): Promise<void> {
  expect(bench.conflicts).toEqual([{ detail: expect.any(String), ...expected, by }])
  const recorded = (await bench.leaves()).filter(({ type }) => type === 'identity.conflict')
  expect(recorded).toEqual([expect.objectContaining(expected)])
}

const ofSession = { kind: 'session', session: SESSION }

test('a gate that speaks for another gate’s session is not heard, and never again', async () => {
  await bench.begin(SESSION, 0)
  const other = await TestGate.at(bench.gates, { gate: 1 })
  await expect(other.record(intent('a'))).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'other-gate' }, 1)
  expect(await bench.types()).not.toContain('action.intent')
  await expect(other.record(intent('b'))).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
})

test('another gate gets no certificate for a host in the session’s name', async () => {
  await bench.begin(SESSION, 0)
  const other = await TestGate.at(bench.gates, { gate: 1 })
  const asked = { session: SESSION, host: 'bank.test', spki: other.spki }
  await expect(other.peer.call('certify', asked)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'other-gate' }, 1)
})

test('a copy of a gate’s channel that repeats a number is found out', async () => {
  await bench.begin(SESSION)
  const gate = await TestGate.at(bench.gates)
  await gate.record(intent('a'))
  await expect(gate.record(intent('b'), [], 1)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'sequence' }, 0)
  expect((await bench.types()).filter((type) => type === 'action.intent')).toHaveLength(1)
})

test('a number that falls is found out as one that is repeated', async () => {
  await bench.begin(SESSION)
  const gate = await TestGate.at(bench.gates)
  await gate.record(intent('a'), [], 7)
  await expect(gate.record(intent('b'), [], 3)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'sequence' }, 0)
})

test.for<[name: string, forge: (gate: TestGate) => Forged]>([
  [
    'that somebody else signed',
    () => ({ leaves: OUTCOMES, claim: new TestGate(gateStream()).claim(...OUTCOMES) }),
  ],
  [
    'that somebody else signed in the gate’s name',
    (gate) => {
      const { value } = new TestGate(gateStream()).claim(...OUTCOMES)
      return { leaves: OUTCOMES, claim: { by: gate.keyId, value } }
    },
  ],
  [
    'one of which is not what was signed',
    (gate) => ({ leaves: [FIRST, { ...SECOND, id: 'c' }], claim: gate.claim(...OUTCOMES) }),
  ],
  [
    'that have changed places',
    (gate) => ({ leaves: [SECOND, FIRST], claim: gate.claim(...OUTCOMES) }),
  ],
  [
    'one of which is there twice',
    (gate) => ({ leaves: [FIRST, SECOND, SECOND], claim: gate.claim(...OUTCOMES) }),
  ],
  [
    'one of which has a place in what was signed with others',
    (gate) => ({ leaves: [FIRST], claim: gate.claim(...OUTCOMES) }),
  ],
  ['to which one was added', (gate) => ({ leaves: OUTCOMES, claim: gate.claim(FIRST) })],
  ['that nobody signed', () => ({ leaves: OUTCOMES, claim: null })],
])('outcomes %s are not taken, none of them', async ([, forge]) => {
  await bench.begin(SESSION)
  const gate = await TestGate.at(bench.gates)
  for (const id of ['a', 'b', 'c']) await gate.record(intent(id))
  const { leaves, claim } = forge(gate)
  await expect(gate.tell(leaves, claim)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'bad-signature' }, 0)
  expect(await bench.types()).not.toContain('action.outcome')
  await expect(gate.record(intent('d'))).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
})

test('of forged outcomes of two sessions both are in conflict', async () => {
  await bench.begin(SESSION)
  await bench.begin(OTHER)
  const gate = await TestGate.at(bench.gates)
  const forged = [outcome('a'), { ...outcome('a'), session: OTHER }]
  await expect(gate.tell(forged, null)).rejects.toMatchObject(CONFLICT)
  const conflicts = bench.conflicts.map(({ of, kind }) => ({ of, kind }))
  expect(conflicts).toEqual([
    { of: ofSession, kind: 'bad-signature' },
    { of: { kind: 'session', session: OTHER }, kind: 'bad-signature' },
  ])
})

test('a gate that tells of another gate’s session among its own is not heard', async () => {
  await bench.begin(SESSION, 0)
  await bench.begin(OTHER, 1)
  const gate = await TestGate.at(bench.gates, { gate: 1 })
  await gate.record({ ...intent('a'), session: OTHER })
  const told = gate.tell([{ ...outcome('a'), session: OTHER }, outcome('b')])
  await expect(told).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'other-gate' }, 1)
  expect(await bench.types()).not.toContain('action.outcome')
})

test('a gate that comes with the key of another gate is a copy', async () => {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await TestGate.at(bench.gates, { gate: 0, key })
  await expect(TestGate.at(bench.gates, { gate: 1, key })).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: { kind: 'gate', gate: 1 }, kind: 'duplicate-key' }, 1)
})

test('a key that was another’s before a restart is a copy after it', async () => {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await TestGate.at(bench.gates, { gate: 0, key })
  await bench.restart()
  await expect(TestGate.at(bench.gates, { gate: 0, key })).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: { kind: 'gate', gate: 0 }, kind: 'duplicate-key' }, 0)
})

test('a key that does not sign for itself is not certified', async () => {
  const [ours, theirs] = await socketPair()
  bench.gates.attach(0, theirs)
  const [gate, owner] = [new TestGate(ours), new TestGate(gateStream())]
  const asked = { spki: owner.spki, proof: gate.claim(outcome('a')).value, endorsed: null }
  await expect(gate.peer.call('identify', asked)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: { kind: 'gate', gate: 0 }, kind: 'bad-signature' }, 0)
})

test('a second key that the first does not vouch for is not certified', async () => {
  const gate = await TestGate.at(bench.gates)
  const thief = new TestGate(gateStream())
  const forged = { ...thief.endorse(thief.keyId), by: gate.keyId }
  const asked = { ...keyOf(thief), endorsed: forged }
  await expect(gate.peer.call('identify', asked)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: { kind: 'gate', gate: 0 }, kind: 'bad-signature' }, 0)
})

test('a session is not begun twice at once', async () => {
  await bench.begin(SESSION)
  await expect(bench.begin(SESSION)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'second-open' }, null)
  expect((await bench.types()).filter((type) => type === 'session.start')).toHaveLength(1)
})

test.for(['in the life of this keyholder', 'before it was restarted'] as const)(
  'an id that had its session %s is not begun again',
  async (when) => {
    await bench.begin(SESSION)
    const end = { type: 'session.end', exitCode: 0, reason: 'exit', counters: {} } as const
    await bench.keyholder.close(SESSION, { ...end, session: SESSION })
    if (when === 'before it was restarted') await bench.restart()
    await expect(bench.begin(SESSION)).rejects.toMatchObject(CONFLICT)
    await expectConflict({ of: ofSession, kind: 'second-open' }, null)
  },
)

test('a session is not resumed twice', async () => {
  await bench.begin(SESSION)
  await bench.restart()
  await bench.resume(SESSION)
  await expect(bench.resume(SESSION)).rejects.toMatchObject(CONFLICT)
  await expectConflict({ of: ofSession, kind: 'second-open' }, null)
})

test('two resumptions at once are found out though the log is still being read', async () => {
  await bench.begin(SESSION)
  await bench.restart()
  const both = await Promise.allSettled([bench.resume(SESSION), bench.resume(SESSION)])
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  await expectConflict({ of: ofSession, kind: 'second-open' }, null)
})

test('a gate that is restarted begins anew: another key, numbers from one', async () => {
  await bench.begin(SESSION)
  await bench.begin(OTHER)
  const first = await TestGate.at(bench.gates)
  await first.record(intent('a'), [], 40)
  const second = await TestGate.at(bench.gates)
  await second.record(intent('b'))
  await second.record(outcome('b'))
  expect(bench.conflicts).toEqual([])
  await expect(first.record(intent('c'))).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
})

test('a gate’s second key is certified when the first vouches for it, and signs from then on', async () => {
  await bench.begin(SESSION)
  const gate = await TestGate.at(bench.gates)
  const next = new TestGate(gateStream())
  await next.identify(gate)
  await gate.record(intent('a'))
  await gate.tell([outcome('a')], next.claim(outcome('a')))
  const [, , issued] = (await bench.leaves()).filter(({ type }) => type !== 'action.intent')
  expect(issued).toMatchObject({
    type: 'identity.issued',
    reason: 'schedule',
    key: next.keyId,
    endorsed: { by: gate.keyId },
  })
  expect(bench.conflicts).toEqual([])
})

test('who has spoken for the last time brings nobody else into conflict, in the same read either', async () => {
  await bench.begin(SESSION)
  await bench.begin(OTHER)
  const gate = await TestGate.at(bench.gates)
  await gate.record(intent('a'), [], 7)
  const again = { credentials: [], seq: 7 }
  const ends = await Promise.allSettled([
    gate.tell([outcome('a')], undefined, 7),
    gate.tell([{ ...outcome('b'), session: OTHER }], undefined, 7),
    gate.peer.call('record', { ...again, leaf: { ...intent('b'), session: OTHER } }),
  ])
  expect(ends.map((end) => end.status === 'rejected' && Reflect.get(end.reason, 'code'))).toEqual([
    'IDENTITY_CONFLICT',
    'IDENTITY_REVOKED',
    'IDENTITY_REVOKED',
  ])
  expect(bench.conflicts.map(({ of }) => of)).toEqual([{ kind: 'session', session: SESSION }])
})

/** A gate that is attached nowhere. */
function gateStream(): Duplex {
  return duplexPair()[0]
}

function keyOf({ key, spki }: TestGate): { spki: string; proof: string } {
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return { spki, proof: sign('sha256', gateKeyBytes(spki), options).toString('base64') }
}
