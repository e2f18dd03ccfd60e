import { expect, test } from 'vitest'
import { logIn } from '../log-files.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
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
