import * as z from 'zod'
import { readContent } from './content.ts'
import { logRead } from './log-read.ts'
import { ApprovalResult, HeldAction, HoldId, SignedApproval } from './approval.ts'
import { SessionEnd, TerminalSize } from './control.ts'
import { PolicyReloaded, PolicyStatus } from './policy-status.ts'
import { ApprovalKind } from './labels.ts'
import { Identities, Revocation, RevocationResult } from './keyholder.ts'
import { QuarantineEntry, Quarantines, SignedRelease } from './quarantine.ts'
import { eraseSession } from './recordings.ts'
import { RestoreRequest, RestoreResult } from './restore.ts'
import { ImageImport } from './sandbox.ts'
import { SessionId } from './schemas.ts'
import { SnapshotId, SnapshotRequest, SnapshotTaken } from './snapshot.ts'
import { BudgetStatus, MAX_BUDGET_STATUSES } from './spend.ts'

const Run = z.strictObject({
  agent: z.string().min(1).max(128),
  argv: z.array(z.string().max(131_072)).min(1).max(1024),
  workspace: z.string().startsWith('/').nullable(),
  /** a snapshot of that workspace, with which its changes begin */
  from: SnapshotId.nullable(),
  /**
   * the setup phase's command, for the sandbox's `sh`; null for no setup phase; left out, the
   * agent file says
   */
  setup: z.string().min(1).max(65_536).nullable().optional(),
  terminal: TerminalSize.extend({ type: z.string().max(64) }).nullable(),
})

const WaitingHold = z.strictObject({
  id: HoldId,
  session: SessionId,
  agent: z.string(),
  user: z.string(),
  /** one line of what will be done */
  subject: z.string().max(512),
  /** whose yes is still missing */
  needs: z.array(ApprovalKind),
  reason: z.string().max(512),
  openedAt: z.string(),
  expiresAt: z.string(),
})
export type WaitingHold = z.infer<typeof WaitingHold>

/**
 * What a client may ask over the daemon's unix socket. Descriptors 0–2 are not sent: the
 * supervisor takes them from the client process that the kernel names for the connection.
 */
export const api = {
  run: { params: Run, result: SessionEnd },
  /** as `run`, of a session that goes on without this client; resolves once it has begun */
  start: {
    params: Run.omit({ terminal: true }),
    result: z.strictObject({ session: SessionId }),
  },
  /** for the command that this connection runs */
  signal: {
    params: z.strictObject({
      signal: z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT']),
    }),
    result: z.strictObject({}),
  },
  resize: { params: TerminalSize, result: z.strictObject({}) },
  ps: {
    params: z.strictObject({}),
    result: z.strictObject({
      sessions: z.array(
        z.strictObject({
          session: SessionId,
          agent: z.string(),
          argv: z.array(z.string()),
          workspace: z.string().nullable(),
          startedAt: z.string(),
        }),
      ),
    }),
  },
  stop: { params: z.strictObject({ session: SessionId }), result: SessionEnd },
  'approvals.list': {
    params: z.strictObject({}),
    /** oldest first */
    result: z.strictObject({ holds: z.array(WaitingHold).max(1024) }),
  },
  'approvals.show': {
    params: z.strictObject({ id: HoldId }),
    /** `needs`: whose yes is still missing */
    result: z.strictObject({ held: HeldAction, needs: z.array(ApprovalKind) }),
  },
  'approvals.answer': { params: SignedApproval, result: ApprovalResult },
  'identity.list': { params: z.strictObject({}), result: Identities },
  /** for an operator's reason; who he is the kernel says */
  'identity.revoke': {
    params: Revocation.pick({ of: true, detail: true }),
    result: RevocationResult,
  },
  /** how everybody stands who has spent anything under a budget of model calls */
  'llm.budgets': {
    params: z.strictObject({}),
    result: z.strictObject({ budgets: z.array(BudgetStatus).max(MAX_BUDGET_STATUSES) }),
  },
  'quarantine.list': { params: z.strictObject({}), result: Quarantines },
  'quarantine.release': { params: SignedRelease, result: QuarantineEntry },
  /** an image is about to be put into the store: it is recorded, or it is not imported */
  'image.import': { params: ImageImport, result: z.strictObject({}) },
  'snapshot.take': { params: SnapshotRequest, result: SnapshotTaken },
  /** puts back what a session's actions changed outside, as an operator's act */
  'restore.run': { params: RestoreRequest, result: RestoreResult },
  'content.read': readContent,
  /** what was kept of a session's model calls goes; on record before it goes */
  'llm.erase': eraseSession,
  'log.read': logRead,
  /** resolves when every action is decided by the files as they are now */
  'policy.reload': { params: z.strictObject({}), result: PolicyReloaded },
  'policy.status': { params: z.strictObject({}), result: PolicyStatus },
  status: {
    params: z.strictObject({}),
    result: z.strictObject({
      version: z.string(),
      healthy: z.array(z.string()),
      degraded: z.array(z.string()),
      processes: z.record(z.string(), z.int()),
      sessions: z.int(),
      logSize: z.int(),
      logKey: z.string(),
    }),
  },
} as const
