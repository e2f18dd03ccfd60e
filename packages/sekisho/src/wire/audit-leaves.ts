import * as z from 'zod'
import { Certificate, ConflictKind, IdentityOf, KeyId, Protection, SpiffeId } from './identity.ts'
import { Digest } from './sandbox.ts'
import { SessionId } from './schemas.ts'

const Line = z.string().max(4096)
const Name = z.string().max(128)

/** A check that was made before a session changed its state. */
export const StateCheck = z.strictObject({
  name: z.string().max(64),
  held: z.boolean(),
  detail: z.string().max(256),
})
export type StateCheck = z.infer<typeof StateCheck>

/** An agent's own log of a session: its claims, which nobody has checked. */
export const TranscriptLeaf = z.strictObject({
  type: z.literal('transcript.collected'),
  session: SessionId,
  client: z.string().max(64),
  path: Line,
  /** keyed, of the content store; null where it could not be kept, which `reason` says */
  digest: Digest.nullable(),
  bytes: z.int().min(0),
  truncated: z.boolean(),
  reason: Line.nullable(),
})

/** As stored: the keyholder’s stamps stand beside these fields, and are left out. */
export const StoredTranscript = z.object(TranscriptLeaf.shape)
export type StoredTranscript = z.infer<typeof StoredTranscript>

/** Leaves of identities, of what sessions went through, and of who read and watched the log. */
export const auditLeaves = [
  /** who signs from here on; written when it is new, before anything is signed by it */
  z.strictObject({
    type: z.literal('identity.authority'),
    trustDomain: z.string().max(255),
    /** self-signed; an auditor has it from elsewhere */
    root: Certificate,
    rootProtection: Protection,
    issuing: Certificate,
    log: z.strictObject({
      certificate: Certificate,
      /** signed-note verifier keys: Ed25519, and ML-DSA-44 */
      vkeys: z.array(z.string().max(4096)).min(1).max(2),
    }),
    reason: z.enum(['first', 'schedule', 'emergency']),
  }),
  /** a session's first identity stands in its start leaf */
  z.strictObject({
    type: z.literal('identity.issued'),
    of: IdentityOf,
    id: SpiffeId,
    key: KeyId,
    certificate: Certificate,
    reason: z.enum(['start', 'schedule', 'restart', 'emergency']),
    /** the key before signs this one, over `sekisho/rotation/v1`, its id and this one’s; null where it is lost or not trusted */
    endorsed: z.strictObject({ by: KeyId, value: z.base64().length(88) }).nullable(),
  }),
  z.strictObject({
    type: z.literal('identity.revoked'),
    of: IdentityOf,
    keys: z.array(KeyId).max(64),
    reason: z.enum(['operator', 'conflict', 'contained', 'canary', 'ended']),
    detail: Line,
    /** uid of the operator who asked; null for the platform itself */
    by: z.int().min(0).nullable(),
  }),
  /** when each that relies on an identity had heard of its revocation */
  z.strictObject({
    type: z.literal('identity.revocation-heard'),
    of: IdentityOf,
    parties: z.array(z.strictObject({ name: Name, afterMs: z.int().min(0).nullable() })).max(128),
  }),
  z.strictObject({
    type: z.literal('identity.conflict'),
    of: IdentityOf,
    kind: ConflictKind,
    detail: Line,
  }),
  /** a change of a session's state that no other leaf stands for */
  z.strictObject({
    type: z.literal('session.state'),
    session: SessionId,
    trigger: z.enum([
      'freeze',
      'thaw',
      'contain',
      'revoke',
      'gate-restart',
      'keyholder-restart',
      'policy',
      'stop',
    ]),
    detail: Line,
    checks: z.array(StateCheck).max(32),
  }),
  z.strictObject({
    type: z.literal('log.read'),
    reader: z.strictObject({ uid: z.int(), pid: z.int() }),
    what: z.enum([
      'show',
      'query',
      'replay',
      'export',
      'transcript',
      'reconcile',
      'content',
      'recording',
    ]),
    /** as the reader gave it */
    query: Line,
  }),
  TranscriptLeaf,
  z.strictObject({
    type: z.literal('witness.refused'),
    witness: Name,
    operator: Name,
    reason: z.enum(['fork', 'rollback', 'bad-proof', 'unreachable', 'refused']),
    size: z.int().min(0),
    detail: Line,
  }),
  /** an alarm that belongs to no session: a sink that lags, a rule that fired */
  z.strictObject({
    type: z.literal('platform.alert'),
    rule: Name,
    severity: z.enum(['low', 'medium', 'high']),
    subject: Line,
  }),
] as const

/** What the keyholder adds to a leaf before it signs and writes it; version 2 of the format. */
export const StateStamp = z.strictObject({
  /** from 0, the start */
  seq: z.int().min(0),
  /** of the state before, RFC 8785, SHA-256; null at the start */
  from: Digest.nullable(),
  to: Digest,
})
export type StateStamp = z.infer<typeof StateStamp>

/** In `session.start`, the session's first identity. */
export const StartIdentity = z.strictObject({
  id: SpiffeId,
  key: KeyId,
  certificate: Certificate,
  protection: Protection,
})
export type StartIdentity = z.infer<typeof StartIdentity>
