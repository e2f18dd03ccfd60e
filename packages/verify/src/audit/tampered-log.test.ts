import { expect, test } from 'vitest'
import { canonicalForm } from '../canonical.ts'
import { logIn } from '../log-files.ts'
import { addCosignature, noteCosigner } from '../note-signer.ts'
import { AuditedLog, auditedSample } from '../testing/audited-log.ts'
import { type Leaf, LogBuilder } from '../testing/build-log.ts'
import { newKey, toPem } from '../testing/certificates.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'
import { auditLog, type AuditReport, type BrokenAudit } from './audit-log.ts'
import { startedState, stateHash } from './states.ts'

const A = 's-00000000000000000000'
const B = 's-11111111111111111111'

test.for<{ name: string; spoil: (lines: string[]) => void; index: number; reason: string }>([
  {
    name: 'edits a leaf',
    spoil: (lines) => replace(lines, 9, (line) => line.replace('a.example', 'b.example')),
    index: 4,
    reason: 'the root does not fit: one of the leaves 4 to 4 is not what was signed',
  },
  {
    name: 'deletes a leaf with its checkpoint',
    spoil: (lines) => void lines.splice(9, 2),
    index: 4,
    reason: 'a checkpoint for 6 leaves where 5 are there',
  },
  {
    name: 'swaps two leaves',
    spoil: (lines) => lines.splice(9, 4, ...lines.slice(11, 13), ...lines.slice(9, 11)),
    index: 4,
    reason: 'a checkpoint for 6 leaves where 5 are there',
  },
])('without the log’s key, one who $name breaks it there', async ({ spoil, index, reason }) => {
  const made = auditedSample()
  spoil(made.log.segments[0] ?? [])
  const report = await judge(made.log, { root: made.rootPem })
  expect(report).toEqual({ kind: 'broken', index, reason, found: [] })
})

function replace(lines: string[], at: number, change: (line: string) => string): void {
  lines[at] = change(lines[at] ?? '')
}

test('keys that were all swapped chain to another root, at the leaf that names them', async () => {
  const [made, other] = [auditedSample(), auditedSample()]
  expect(await judge(other.log, { root: made.rootPem })).toEqual({
    kind: 'broken',
    index: 0,
    reason: 'it chains to another root than the one given',
    found: [],
  })
})

test('a checkpoint of another log’s key does not open, whatever the leaves say', async () => {
  const made = auditedSample()
  const stranger = new AuditedLog({ rootKey: made.rootKey })
  const log = rewritten(stranger, leavesOf(made))
  expect(await judge(log, { root: made.rootPem })).toMatchObject({
    kind: 'broken',
    index: 0,
    reason: expect.stringContaining('no signature by'),
  })
})

test('what is cut off at the end, rolled back or rewritten is seen with a checkpoint kept before', async () => {
  const made = auditedSample()
  const root = made.rootPem
  const previousCheckpoint = made.log.note
  const cut = rewritten(made, leavesOf(made).slice(0, 16))
  expect(await judge(cut, { root })).toMatchObject({ kind: 'sound' })
  expect(await judge(cut, { root, previousCheckpoint })).toMatchObject({
    kind: 'broken',
    index: 16,
    reason: 'the log ends after 16 leaves, the previous checkpoint is for 17',
  })
  const fork = rewritten(made, [...leavesOf(made).slice(0, 16), platformStop(made)])
  expect(await judge(fork, { root, previousCheckpoint })).toMatchObject({
    kind: 'broken',
    index: 16,
    reason: expect.stringContaining('has another root'),
  })
})

function platformStop(made: AuditedLog): Leaf {
  return { v: 2, type: 'platform.stop', at: made.now(), reason: 'x' }
}

test('witnesses are counted by operator, and only for what they cosigned', async () => {
  const made = auditedSample()
  const keys = [newKey('ed25519'), newKey('ed25519'), newKey('ed25519')]
  const cosigners = keys.map(({ key }, i) => noteCosigner(`witness/${i}`, key))
  const witnesses = cosigners.map(({ vkey }, i) => ({ operator: i < 2 ? 'one' : 'two', vkey }))
  const [first, second, third] = cosigners
  if (first === undefined || second === undefined || third === undefined) throw new Error('three')
  const twice = addCosignature(addCosignature(made.log.note, first, 1), second, 2)
  const root = made.rootPem
  const audit = (previousCheckpoint: string): Promise<AuditReport | BrokenAudit> =>
    made.log.inDirectory((dir) => auditLog(logIn(dir), { root, previousCheckpoint, witnesses }))
  expect(await audit(twice)).toMatchObject({ witnessed: { size: 17, operators: ['one'] } })
  expect(await audit(addCosignature(twice, third, 3))).toMatchObject({
    witnessed: { size: 17, operators: ['one', 'two'] },
  })
  expect(await audit(made.log.note)).toMatchObject({ witnessed: { size: 0, operators: [] } })
})

test('nothing is said where nothing is trusted', async () => {
  const made = auditedSample()
  const old = new LogBuilder().segment().batch({ type: 'platform.start' })
  await expect(judge(made.log, {})).rejects.toThrow('nothing is trusted')
  await expect(judge(made.log, { root: 'hello' })).rejects.toThrow('no certificate')
  await expect(judge(old, { root: made.rootPem })).rejects.toThrow('no leaf says who signs')
  await expect(judge(old, { root: made.rootPem, vkey: old.signer.vkey })).rejects.toThrow(
    'no leaf says who signs',
  )
  expect(await judge(old, { vkey: old.signer.vkey })).toEqual({ kind: 'sound', found: [] })
  await expect(judge(old, { root: toPem('AAAA') })).rejects.toThrow('the root:')
})

test('the form of a state is what its hash is over', () => {
  const state = startedState({ session: A, agent: 'a', configuration: B, identity: { key: 'k' } })
  expect(stateHash(state)).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(canonicalForm(state)).toBe(
    `{"agent":"a","configuration":"${B}","exitCode":null,"identity":"k","phase":"running","seq":0,"session":"${A}","trigger":"start","v":1}`,
  )
})
