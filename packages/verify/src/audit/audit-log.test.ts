import { expect, test } from 'vitest'
import { logIn } from '../log-files.ts'
import { AuditedLog, auditedSample } from '../testing/audited-log.ts'
import { auditLog, type AuditReport, type BrokenAudit } from './audit-log.ts'

const A = 's-00000000000000000000'
const B = 's-11111111111111111111'

function audit(made: AuditedLog, root = made.rootPem): Promise<AuditReport | BrokenAudit> {
  return made.log.inDirectory((dir) => auditLog(logIn(dir), { root }))
}

test('a log that keeps every rule is sound, with figures of each session', async () => {
  const report = await audit(auditedSample())
  expect(report).toMatchObject({
    kind: 'sound',
    findings: [],
    findingsOmitted: 0,
    witnessed: null,
    gaps: [],
    // 13 leaves of sessions, 2 claims, 1 rotation
    signatures: 16,
    identities: 4,
    versions: { 2: 17 },
    log: { kind: 'sound', size: 17 },
    sessions: [
      { session: A, agent: 'claude', start: 3, end: 15, phase: 'ended' },
      {
        session: B,
        start: 7,
        end: 16,
        figures: {
          'leaves.action.intent': 2,
          'leaves.action.outcome': 1,
          'leaves.session.start': 1,
          'intents.http.request.allow': 1,
          'intents.http.request.deny': 1,
          'seen.http.request': 2,
          credentials: 1,
          'outcomes.performed': 1,
          'outcomes.bytesOut': 10,
          'outcomes.bytesIn': 20,
        },
      },
    ],
  })
})

test('after its key was taken back nobody signs for a session, and it ends', async () => {
  const made = new AuditedLog().authority().gate().start(A).exec(A, 'e1')
  made.change(A, { type: 'session.state', session: A, trigger: 'revoke', detail: 'operator' })
  const { id } = made.of(A).key
  const of = { kind: 'session', session: A }
  made.unsigned(A, { type: 'identity.revoked', of, keys: [id], reason: 'operator' })
  const verdict = { kind: 'deny', rules: [], reason: '' }
  made.unsigned(A, { type: 'action.intent', session: A, id: 'x', verdict, credentials: [] })
  made.revoked(A).end(A)
  expect(await audit(made)).toMatchObject({
    kind: 'sound',
    sessions: [{ session: A, phase: 'ended' }],
  })
})

test('a keyholder that takes over has another key, and its figures are not compared', async () => {
  const made = new AuditedLog().authority().gate().start(A).action(A, 'a').rekey(A, 'restart')
  made.exec(A, 'e1').end(A, { 'keyholder.resumed': 1, 'keyholder.leaves.action.intent': 0 })
  const report = await audit(made)
  expect(report).toMatchObject({ kind: 'sound' })
  expect(report.kind === 'sound' ? report.sessions[0]?.compared : []).toContainEqual({
    kind: 'not-comparable',
    equation: 'action.intent leaves that the keyholder wrote',
    why: 'keyholder.resumed',
  })
})

test('a session that was lost is a gap, and no finding', async () => {
  const made = new AuditedLog().authority().gate().start(A).intent(A, 'a')
  made.write({ type: 'gap', session: A, id: 'a', reason: 'lost' })
  made.write({ type: 'gap', session: A, id: 'session.end', reason: 'killed' })
  expect(await audit(made)).toMatchObject({
    kind: 'sound',
    sessions: [{ session: A, phase: 'lost', end: 5 }],
    gaps: [
      { index: 4, session: A, id: 'a', reason: 'lost' },
      { index: 5, session: A, id: 'session.end', reason: 'killed' },
    ],
  })
})

test('an outcome that a secret was taken out of has no claim, for it is not what was signed', async () => {
  const made = new AuditedLog().authority().gate().start(A)
  const failed = { kind: 'failed', code: 'X', message: 'no host ********' }
  const leaf = { type: 'action.outcome', session: A }
  made.intent(A, 'a').signed(A, { ...leaf, id: 'a', outcome: failed })
  expect(await audit(made)).toMatchObject({ kind: 'sound' })
  made.intent(A, 'b').signed(A, { ...leaf, id: 'b', outcome: { ...failed, message: 'no' } })
  expect(await audit(made)).toMatchObject({ findings: [{ index: 6, kind: 'claim' }] })
})

test.for<{ name: string; write: (made: AuditedLog) => void; kind: string; reason: string }>([
  {
    name: 'a gate’s key that was issued before',
    write: (made) => made.gate(1),
    kind: 'identity',
    reason: 'was issued before',
  },
  {
    name: 'a claim by a gate whose key was taken back',
    write: (made) => {
      made.start(A).intent(A, 'a')
      const of = { kind: 'gate', gate: 0 }
      made.write({ type: 'identity.revoked', of, keys: [made.gateKey.id], reason: 'operator' })
      made.outcome(A, 'a')
    },
    kind: 'claim',
    reason: 'took back',
  },
  {
    name: 'a certificate that is over',
    write: (made) =>
      made
        .start(A)
        .later(70 * 60_000)
        .exec(A, 'e'),
    kind: 'signature',
    reason: 'not valid at its time',
  },
  {
    name: 'a scheduled key that the one before does not vouch for',
    write: (made) => made.start(A).rekey(A, 'schedule', { endorsed: null }),
    kind: 'identity',
    reason: 'does not vouch',
  },
  {
    name: 'an endorsement by another key',
    write: (made) =>
      made.start(A).rekey(A, 'schedule', {
        endorsed: { by: made.gateKey.id, value: Buffer.alloc(64).toString('base64') },
      }),
    kind: 'identity',
    reason: 'by another key than the one before',
  },
  {
    name: 'another authority for the same log’s key',
    write: (made) => new AuditedLog({ logKey: made.logKey }).copyAuthorityTo(made),
    kind: 'authority',
    reason: 'another root',
  },
  {
    name: 'a session of an agent that its certificate does not name',
    write: (made) => made.start(A, { agent: 'codex' }),
    kind: 'certificate',
    reason: 'names another session',
  },
])('$name is a finding', async ({ write, kind, reason }) => {
  const made = new AuditedLog().authority().gate()
  write(made)
  const report = await audit(made)
  expect(report).toMatchObject({ kind: 'findings' })
  expect(report.findings).toContainEqual(
    expect.objectContaining({ kind, reason: expect.stringContaining(reason) }),
  )
})
