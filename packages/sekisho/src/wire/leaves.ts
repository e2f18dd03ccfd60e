import * as z from 'zod'
import { RecordedFinding } from './egress.ts'
import { ApprovedHold, IntentFacts, policyLeaves } from './policy-leaves.ts'
import { Generation } from './decision.ts'
import { auditLeaves } from './audit-leaves.ts'
import { BudgetBreakerLeaf } from './spend.ts'
import { LeafSignature } from './identity.ts'
import { llmLeaves } from './llm-leaves.ts'
import { recoveryLeaves } from './recovery-leaves.ts'
import {
  Attested,
  Digest,
  EndReason,
  Isolation,
  LimitName,
  LimitsShape,
  RootfsSource,
} from './sandbox.ts'
import { ActionShape, OutcomeShape, Phase, SessionId, VerdictShape } from './schemas.ts'

const Id = z.string().min(1).max(64)
const Name = z.string().max(128)
const Line = z.string().max(4096)

const sessionLeaves = [
  z.strictObject({
    type: z.literal('session.start'),
    session: SessionId,
    agent: z.string(),
    /** over the resolved agent definition, RFC 8785 */
    configuration: Digest,
    /** the command, from its first argument on; of a long one, what fits */
    argv: z.array(z.string()).max(1024),
    /** how many arguments `argv` leaves out at its end */
    argvOmitted: z.int().min(0),
    /** over the whole command as an array, RFC 8785; null when `argv` is all of it */
    argvDigest: Digest.nullable(),
    workspace: z.string().nullable(),
    /** the snapshot that the workspace began with */
    snapshot: z.string().nullable(),
    /** left out where the agent file has no setup phase */
    phase: Phase.optional(),
    /** a session without a sandbox, in which an operator takes back what this one changed */
    restores: SessionId.optional(),
    runtime: z.string(),
    isolation: Isolation,
    rootfs: RootfsSource,
    initiator: z.strictObject({ uid: z.int(), pid: z.int() }),
    limits: LimitsShape,
    attestation: z.array(Attested).max(128),
    degraded: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('session.end'),
    session: SessionId,
    exitCode: z.int().nullable(),
    reason: EndReason,
    /** what was used, by name with its unit, and what each process counted */
    counters: z.record(z.string(), z.int()),
  }),
  /** no session came of a request */
  z.strictObject({
    type: z.literal('session.refused'),
    agent: z.string(),
    configuration: Digest,
    rule: z.string().max(128),
    reason: Line,
  }),
  /** a limit was reached; each limit of a session once, and again with the next tenfold count */
  z.strictObject({
    type: z.literal('limit.breach'),
    session: SessionId,
    limit: LimitName,
    configured: z.int(),
    /** in the limit's unit, or how often it was hit where the kernel counts hits */
    observed: z.int(),
    did: z.enum(['refused', 'throttled', 'killed', 'stopped']),
  }),
  z.strictObject({
    type: z.literal('process.exec'),
    session: SessionId,
    id: Id,
    pid: z.int(),
    parent: z.int(),
    /** as seen inside */
    path: Line,
    /** of the file's bytes; null when it is too long to be read in time, which `reason` says */
    digest: Digest.nullable(),
    /** whether the file was written in this session */
    written: z.boolean(),
    /** as the process gave them: a hint, which it can change */
    argv: z.array(z.string().max(1024)).max(64),
    argvOmitted: z.int().min(0),
    verdict: VerdictShape,
    /** the action it belongs to; `session.start` where no tool call is known */
    action: Id,
    repeated: z.int().min(0),
  }),
  z.strictObject({
    type: z.literal('alert'),
    session: SessionId,
    rule: z.string().max(128),
    severity: z.enum(['low', 'medium', 'high']),
    subject: Line,
    /** id of the leaf that it is about, such as a `process.exec` */
    about: Id.nullable(),
  }),
  z.strictObject({
    type: z.literal('session.contained'),
    session: SessionId,
    trigger: z.strictObject({
      kind: z.enum(['syscall', 'tripwire', 'identity', 'canary']),
      what: Line,
      /** 0 where no process is known */
      pid: z.int(),
    }),
    evidence: z.strictObject({
      /** directory name below the state's `evidence` */
      name: z.string().max(128),
      /** over the evidence's own index of files and digests, RFC 8785 */
      digest: Digest,
      processes: z.int(),
      /** leaves of the log that belong to it: first and last index, when known */
      firstLeaf: z.int().nullable(),
      lastLeaf: z.int().nullable(),
      /** what could not be kept, and why */
      failures: z.array(z.string().max(256)).max(16),
    }),
    quarantine: Id,
    /** from the attempt to the last process stopped */
    frozenAfterMs: z.int(),
  }),
] as const

const quarantineLeaves = [
  z.strictObject({
    type: z.literal('quarantine.set'),
    id: Id,
    agent: z.string(),
    configuration: Digest,
    image: Digest.nullable(),
    session: SessionId.nullable(),
    reason: Line,
  }),
  z.strictObject({
    type: z.literal('quarantine.release'),
    id: Id,
    operators: z.array(z.strictObject({ name: Name, key: Digest })).min(1),
    reason: Line,
    /** false: one operator has agreed and another is awaited */
    released: z.boolean(),
  }),
] as const

const workspaceLeaves = [
  z.strictObject({
    type: z.literal('workspace.snapshot'),
    session: SessionId,
    snapshot: Id,
    digest: Digest,
    /** configuration areas that were changed and are not carried over */
    leftOut: z.array(Line).max(256),
  }),
  z.strictObject({
    type: z.literal('image.import'),
    name: z.string().max(256),
    digest: Digest,
    source: Line,
  }),
] as const

/**
 * A record as its writer hands it to the keyholder, which adds `v`, `at` (RFC 3339, ms, UTC) and
 * makes it canonical (RFC 8785). One log leaf is at most 65,535 bytes.
 */
export const LeafInput = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('platform.start'),
    version: z.string(),
    degraded: z.array(z.string()),
  }),
  z.strictObject({ type: z.literal('platform.stop'), reason: z.string() }),
  ...sessionLeaves,
  ...quarantineLeaves,
  ...workspaceLeaves,
  ...policyLeaves,
  ...recoveryLeaves,
  ...auditLeaves,
  ...llmLeaves,
  BudgetBreakerLeaf,
  z.strictObject({
    type: z.literal('action.intent'),
    session: SessionId,
    id: Id,
    action: ActionShape,
    verdict: VerdictShape,
    /** names of the credentials attached, never their values */
    credentials: z.array(z.string()),
    /** how many more like this were seen and not recorded one by one */
    repeated: z.int().min(0),
    /** of a call of a tool: the model call that proposed it */
    parent: Id.optional(),
    /** what detectors found in it; left out when they found nothing */
    findings: z.array(RecordedFinding).max(64).optional(),
    /** what of it nobody looked at, and why it passed all the same */
    uninspected: z.string().max(1024).optional(),
    /** of the bundle that it was decided by; left out of what the supervisor records */
    generation: Generation.optional(),
    facts: IntentFacts.optional(),
    hold: ApprovedHold.optional(),
  }),
  z.strictObject({
    type: z.literal('action.outcome'),
    session: SessionId,
    id: Id,
    outcome: OutcomeShape,
    /** the gate's signature over this leaf as the gate hands it over, without this field */
    claim: LeafSignature.optional(),
  }),
  z.strictObject({
    type: z.literal('gap'),
    session: SessionId.nullable(),
    /** the intent that has no outcome; `session.end` for a session that has no end */
    id: Id,
    reason: z.string(),
  }),
])
export type LeafInput = z.infer<typeof LeafInput>
