import * as z from 'zod'
import { eraseRecordings } from './recordings.ts'
import { readContentFor } from './content.ts'
import { logReadFor } from './log-read.ts'
import { ApprovalResult, SignedApproval } from './approval.ts'
import { Approver, DecisionBundle, SessionDecision } from './decision.ts'
import { EgressPlan } from './egress.ts'
import { Upstream } from './gate.ts'
import { CredentialBinding, Identities, Revocation, RevocationResult } from './keyholder.ts'
import { LedgerNote, LedgerPage } from './ledger.ts'
import { Ecosystem } from './packages.ts'
import { QuarantineEntry, Quarantines, SignedRelease } from './quarantine.ts'
import { RestoreRequest, RestoreResult } from './restore.ts'
import {
  AttestationPolicy,
  Containment,
  Digest,
  EndReason,
  ExecPolicy,
  ImageImport,
  Isolation,
  LimitsShape,
  RootfsSource,
  WorkspaceOptions,
} from './sandbox.ts'
import { Phase, SecretSource, SessionId } from './schemas.ts'
import { SnapshotRequest, SnapshotTaken } from './snapshot.ts'
import { supervisorToSolver } from './solver.ts'
import { BudgetBreakerLeaf, SpendNote, SpendPage } from './spend.ts'

const Signal = z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'])

export const TerminalSize = z.strictObject({
  columns: z.int().min(1).max(10_000),
  rows: z.int().min(1).max(10_000),
})

/** Where a secret's value comes from; the value itself is read by the supervisor at the start. */
export const SecretReference = z.strictObject({
  binding: CredentialBinding,
  from: SecretSource,
  /** the variable that holds the placeholder inside the sandbox */
  variable: z.string().nullable(),
  /** the platform's own, of a filter of models.yaml: no placeholder of it is anywhere */
  isPlatforms: z.literal(true).optional(),
})
export type SecretReference = z.infer<typeof SecretReference>

/** Everything one session is made of, resolved. */
export const SessionPlan = z.strictObject({
  session: SessionId,
  /** the client connection whose descriptors 0–2 the command uses; null for none */
  connection: z.int().nullable(),
  agent: z.string(),
  configuration: Digest,
  argv: z.array(z.string()).min(1).max(1024),
  workspace: z.string().startsWith('/').nullable(),
  terminal: TerminalSize.extend({ type: z.string().max(64) }).nullable(),
  /** nobody sits at it: its output goes to a file, and it outlives the client that asked for it */
  detached: z.boolean(),
  /** which network of the agent file it has; left out where the file knows one only */
  phase: Phase.optional(),
  decision: SessionDecision,
  egress: EgressPlan,
  secrets: z.array(SecretReference),
  upstreams: z.array(Upstream.omit({ caPem: true }).extend({ caFile: z.string().nullable() })),
  mounts: z.array(z.strictObject({ source: z.string(), target: z.string() })),
  environment: z.record(z.string(), z.string()),
  limits: LimitsShape,
  isolation: Isolation,
  rootfs: RootfsSource,
  exec: ExecPolicy,
  containment: Containment,
  attestation: AttestationPolicy,
  workspaceOptions: WorkspaceOptions,
})
export type SessionPlan = z.infer<typeof SessionPlan>

/** A session without a sandbox, in which an operator takes back what another one did. */
export const RestorePlan = SessionPlan.pick({
  session: true,
  connection: true,
  agent: true,
  configuration: true,
  argv: true,
  decision: true,
  egress: true,
  secrets: true,
  upstreams: true,
  limits: true,
}).extend({ request: RestoreRequest })
export type RestorePlan = z.infer<typeof RestorePlan>

export const SessionEnd = z.strictObject({
  session: SessionId,
  exitCode: z.int(),
  reason: EndReason,
  message: z.string().nullable(),
  hint: z.string().nullable(),
})
export type SessionEnd = z.infer<typeof SessionEnd>

/** What is put in force: by the gates decided by, by the keyholder checked against. */
export const PolicyInstall = z.strictObject({
  bundle: DecisionBundle,
  approvers: z.array(Approver).max(10_064),
  change: z.enum(['first', 'equal', 'narrower', 'wider', 'not-proven']),
  detail: z.string().max(4096),
  signers: z.array(z.strictObject({ name: z.string().max(64), key: Digest })).max(16),
  /** of each session that runs, by this generation */
  sessions: z.array(z.strictObject({ session: SessionId, decision: SessionDecision })).max(4096),
  /** the texts it was made of: after a restart, what a change is compared with */
  files: z.record(z.string(), z.string()),
})
export type PolicyInstall = z.infer<typeof PolicyInstall>

export const controlToSupervisor = {
  /** resolves once every gate and the keyholder have it and every session is decided by it */
  'policy.install': { params: PolicyInstall, result: z.strictObject({ closed: z.int() }) },
  /** what was last put in force, in this life of the daemon or before */
  'policy.approved': {
    params: z.strictObject({}),
    result: z.strictObject({
      /** 0 in a life that has had none yet */
      generation: z.int().min(0),
      files: z.record(z.string(), z.string()).nullable(),
    }),
  },
  /** the files are not what was read, though nothing said that they had changed; recorded */
  'policy.drift': {
    params: z.strictObject({ approved: Digest, running: Digest, where: z.string().max(128) }),
    result: z.strictObject({}),
  },
  /** what each process decides by */
  'policy.running': {
    params: z.strictObject({}),
    result: z.strictObject({
      processes: z.array(z.strictObject({ name: z.string(), policies: z.array(z.string()) })),
      /** differences that were found, newest last */
      drift: z.array(z.string()),
    }),
  },
  /** files that do not become a generation; recorded */
  'policy.refused': {
    params: z.strictObject({
      digest: Digest.nullable(),
      reason: z.string().max(4096),
      /** for whoever starts the platform; not in the log */
      hint: z.string().max(4096).nullable(),
    }),
    result: z.strictObject({}),
  },
  /** what the ledger had counted when it was last written, page by page from 0 */
  'ledger.read': { params: z.strictObject({ page: z.int().min(0) }), result: LedgerPage },
  /** resolves once it is durable */
  'ledger.note': { params: LedgerNote, result: z.strictObject({}) },
  /** the same of what calls of models have come to */
  'spend.read': { params: z.strictObject({ page: z.int().min(0) }), result: SpendPage },
  'spend.note': { params: SpendNote, result: z.strictObject({}) },
  /** the session that was before all others of a snapshot */
  'spend.chain': {
    params: z.strictObject({ snapshot: z.string().max(64) }),
    result: z.strictObject({ session: SessionId }),
  },
  /** resolves once it is on record */
  'spend.breaker': { params: BudgetBreakerLeaf, result: z.strictObject({}) },
  /** late or unknown: nothing is proven */
  'solver.compare': {
    params: supervisorToSolver.compare.params.omit({ timeoutMs: true }),
    result: supervisorToSolver.compare.result,
  },
  'solver.settle': {
    params: supervisorToSolver.settle.params.omit({ timeoutMs: true }),
    result: supervisorToSolver.settle.result,
  },
  /** the keyholder checks and records it; this process cannot make one */
  'approval.answer': { params: SignedApproval, result: ApprovalResult },
  /** resolves when the command runs; `session.ended` follows */
  'session.start': { params: SessionPlan, result: z.strictObject({ pid: z.int() }) },
  /** the policy lets this user begin no such session; recorded when it resolves */
  'session.refuse': {
    params: z.strictObject({
      agent: z.string().max(128),
      configuration: Digest,
      rule: z.string().max(128),
      reason: z.string().max(4096),
    }),
    result: z.strictObject({}),
  },
  'session.signal': {
    params: z.strictObject({ session: SessionId, signal: Signal }),
    result: z.strictObject({}),
  },
  /** resolves once nothing is left of a session, its last change is on disk and its end in the log */
  'session.settled': {
    params: z.strictObject({ session: SessionId }),
    result: z.strictObject({}),
  },
  'session.resize': {
    params: TerminalSize.extend({ session: SessionId }),
    result: z.strictObject({}),
  },
  'session.stop': {
    params: z.strictObject({ session: SessionId, reason: z.enum(['stopped', 'client-gone']) }),
    result: z.strictObject({}),
  },
  /** the client hung up: its descriptors are let go */
  'client.gone': { params: z.strictObject({ connection: z.int() }), result: z.strictObject({}) },
  'identity.list': { params: z.strictObject({}), result: Identities },
  /** resolves when every party that relies on it has heard, or has not in time; recorded */
  'identity.revoke': { params: Revocation, result: RevocationResult },
  'quarantine.list': { params: z.strictObject({}), result: Quarantines },
  /** one operator's consent; the supervisor checks it, since this process could be an intruder's */
  'quarantine.release': { params: SignedRelease, result: QuarantineEntry },
  /** resolves when all of it has been tried, and its end is in the log */
  'restore.run': { params: RestorePlan, result: RestoreResult },
  'image.import': { params: ImageImport, result: z.strictObject({}) },
  /** of a running or an ended session; the snapshot is in the log when this resolves */
  'snapshot.take': { params: SnapshotRequest, result: SnapshotTaken },
  'content.read': readContentFor,
  'recording.erase': eraseRecordings,
  'log.read': logReadFor,
  /** the policy bundle's files, or null when nothing changed since `stamp` */
  'bundle.read': {
    params: z.strictObject({ stamp: z.string().nullable() }),
    result: z.strictObject({
      stamp: z.string(),
      files: z.record(z.string(), z.string()).nullable(),
      /** registries of this machine's own npm, apt and pip configuration */
      registries: z.array(
        z.strictObject({
          url: z.string(),
          /** null where the configuration does not say */
          ecosystem: Ecosystem.nullable(),
        }),
      ),
    }),
  },
  status: {
    params: z.strictObject({}),
    result: z.strictObject({
      healthy: z.array(z.string()),
      degraded: z.array(z.string()),
      processes: z.record(z.string(), z.int()),
      logSize: z.int(),
      logKey: z.string(),
    }),
  },
} as const

export const supervisorToControl = {
  /** carries an accepted client connection as its handle */
  'client.attach': {
    params: z.strictObject({ connection: z.int(), uid: z.int(), pid: z.int() }),
    result: z.strictObject({}),
  },
  'session.ended': { params: SessionEnd, result: z.strictObject({}) },
  /** from the answer on nothing is reserved or asked of people for it */
  'session.revoked': { params: z.strictObject({ session: SessionId }), result: z.strictObject({}) },
  /** carries control's end of a socket pair; a gate has the other end */
  'gate.attach': { params: z.strictObject({}), result: z.strictObject({}) },
  stop: { params: z.strictObject({}), result: z.strictObject({}) },
} as const
