import * as z from 'zod'
import { ApprovalResult, SignedApproval } from './approval.ts'
import { AwsPart } from './aws.ts'
import { Approver, Generation, Mandate, User } from './decision.ts'
import {
  Certificate,
  ConflictKind,
  GateIndex,
  IdentityOf,
  KeyId,
  KeySignature,
  Protection,
  RootRequest,
  SpiffeId,
} from './identity.ts'
import { LeafInput } from './leaves.ts'
import { eraseRecordings, getRecording, putRecording } from './recordings.ts'
import { Digest } from './sandbox.ts'
import { Port, SessionId } from './schemas.ts'
import { SecretPrints } from './secret-prints.ts'
import { tell } from './tell.ts'
import { sessionReleases } from './transcript-reader.ts'

/** Longest content that is kept whole. */
export const MAX_BLOB_BYTES = 8 * 1024 * 1024
/** Raw bytes in one message: a third more in base64, below a frame's limit. A multiple of three. */
export const MAX_BLOB_PIECE_BYTES = 1536 * 1024

/** Where one credential may go, and how it looks there. */
export const CredentialBinding = z.strictObject({
  name: z.string().min(1).max(128),
  hosts: z.array(z.string()).min(1),
  port: Port,
  /** lower-case header name */
  header: z.string().regex(/^[a-z0-9-]+$/),
  /** how the path of every request begins that it is for; left out for any */
  under: z.string().startsWith('/').max(512).optional(),
  aws: AwsPart.optional(),
})
export type CredentialBinding = z.infer<typeof CredentialBinding>

/** Content of a session, in pieces, each directly behind the one before. */
const KeepContent = {
  params: z.strictObject({
    session: SessionId,
    /** chosen by the sender, for this content alone */
    upload: z.string().min(1).max(64),
    /** of the whole content */
    totalBytes: z.int().min(0).max(MAX_BLOB_BYTES),
    offset: z.int().min(0),
    piece: z.base64().max((MAX_BLOB_PIECE_BYTES / 3) * 4),
  }),
  result: z.strictObject({ digest: Digest.nullable() }),
} as const

/** What a gate may ask of the keyholder, over a socket pair that the supervisor made for the two. */
export const gateToKeyholder = {
  /**
   * Makes a leaf durable, then (an allowed intent only) releases the named credentials.
   * The keyholder checks each binding against the action in the leaf by itself: a gate that is
   * taken over cannot have a credential released for a host it is not bound to.
   */
  record: {
    params: z.strictObject({
      leaf: LeafInput,
      credentials: z.array(z.string()).max(16),
      /** rises with each record of this gate: what is said twice comes from a copy */
      seq: z.int().min(1),
    }),
    result: z.strictObject({ index: z.int(), credentials: z.record(z.string(), z.string()) }),
  },
  tell,
  /**
   * The key that this gate has made in its own memory and signs outcomes with from here on.
   * `proof` is by that key over `gateKeyBytes`, `endorsed` by the one before over its rotation.
   */
  identify: {
    params: z.strictObject({
      spki: z.base64().max(256),
      proof: z.base64().length(88),
      endorsed: KeySignature.nullable(),
    }),
    result: z.strictObject({
      id: SpiffeId,
      certificate: Certificate,
      /** Unix ms by which another key is wanted */
      renewAt: z.int(),
    }),
  },
  /**
   * Keeps content of a session, encrypted, in pieces of one upload; `digest` is null until the last
   * one, and durable then.
   */
  'blob.put': KeepContent,
  /** the digest that content would be kept under, by its SHA-256 */
  'blob.name': {
    params: z.strictObject({
      session: SessionId,
      /** the session that `session` restores, for content of that; null for its own */
      of: SessionId.nullable(),
      sha256: Digest,
    }),
    result: z.strictObject({ digest: Digest }),
  },
  /** in a session that was opened to restore `of`, a piece of what was kept of that */
  'blob.get': {
    params: z.strictObject({
      session: SessionId,
      of: SessionId,
      digest: Digest,
      offset: z.int().min(0),
    }),
    result: z.strictObject({ totalBytes: z.int().min(0), piece: z.base64() }),
  },
  /** Keeps one side of a model call, encrypted; durable when the answer says that it is kept. */
  'recording.put': putRecording,
  /** A certificate for one host, signed by the session's own CA. Base64 DER in and out. */
  certify: {
    params: z.strictObject({ session: SessionId, host: z.string().max(253), spki: z.string() }),
    result: z.strictObject({
      certificate: z.string(),
      /** Unix ms */
      notAfter: z.int(),
    }),
  },
} as const

/** What the keyholder may tell a gate. */
export const keyholderToGate = {
  /** from the answer on nothing of the session leaves this gate */
  'session.revoked': {
    params: z.strictObject({ session: SessionId }),
    result: z.strictObject({}),
  },
} as const

/** What the keyholder may tell the supervisor. */
export const keyholderToSupervisor = {
  /** refused and recorded already; what becomes of the session and the gate is the supervisor’s */
  'identity.conflict': {
    params: z.strictObject({
      of: IdentityOf,
      kind: ConflictKind,
      detail: z.string().max(4096),
      /** the gate that it came from; null where it came from nobody’s */
      by: GateIndex.nullable(),
    }),
    result: z.strictObject({}),
  },
  /** a session has carried a canary towards the outside; refused and recorded already */
  'canary.hit': {
    params: z.strictObject({ session: SessionId, detail: z.string().max(4096) }),
    result: z.strictObject({}),
  },
} as const

/** An identity as the keyholder has it. */
export const IdentityEntry = z.strictObject({
  of: IdentityOf,
  id: SpiffeId,
  key: KeyId,
  certificate: Certificate,
  protection: Protection,
  /** Unix ms */
  notAfter: z.int(),
  revoked: z.boolean(),
})
export type IdentityEntry = z.infer<typeof IdentityEntry>

export const Identities = z.strictObject({
  trustDomain: z.string().max(255),
  /** null before a root has been heard of */
  authority: z
    .strictObject({ root: Certificate, issuing: Certificate, log: Certificate })
    .nullable(),
  rootProtection: Protection.nullable(),
  entries: z.array(IdentityEntry).max(4096),
})
export type Identities = z.infer<typeof Identities>

export const RevokeReason = z.enum(['operator', 'conflict', 'contained', 'canary'])

export const Revocation = z.strictObject({
  of: IdentityOf,
  reason: RevokeReason,
  detail: z.string().max(4096),
  /** uid; null for the platform itself */
  by: z.int().min(0).nullable(),
})
export type Revocation = z.infer<typeof Revocation>

/** When each that relies on an identity had heard of its end, from the asking on; null: it has not. */
export const Heard = z.array(
  z.strictObject({ name: z.string().max(128), afterMs: z.int().min(0).nullable() }),
)
export type Heard = z.infer<typeof Heard>

export const RevocationResult = z.strictObject({
  keys: z.array(KeyId).max(64),
  heard: Heard.max(66),
})
export type RevocationResult = z.infer<typeof RevocationResult>

/** What the supervisor may ask of the keyholder. */
export const supervisorToKeyholder = {
  /** the generation in force, whose digest answers must name, and whose keys they are checked by */
  'policy.set': {
    params: z.strictObject({
      digest: Digest,
      generation: Generation,
      approvers: z.array(Approver).max(10_064),
      mandates: z.array(Mandate).max(256),
      /** by whom mandates are bound, and whose sessions get nothing approved */
      users: z.array(User).max(10_000),
      /** how long recordings of model calls are kept; left out: as before */
      recordingDays: z.int().min(1).max(3650).optional(),
    }),
    result: z.strictObject({}),
  },
  'approval.answer': { params: SignedApproval, result: ApprovalResult },
  /**
   * Opens a session: derives its CA (the same one again after a restart), takes its secrets,
   * makes its start leaf durable. `leaf` is null when a session is resumed after a restart.
   */
  'session.open': {
    params: z.strictObject({
      session: SessionId,
      secrets: z.array(z.strictObject({ binding: CredentialBinding, value: z.string().min(1) })),
      leaf: LeafInput.nullable(),
      /** which gate speaks for it, and no other; null for one that is opened only to be closed */
      gate: GateIndex.nullable(),
      /** of a session that is resumed; its start leaf says it of any other */
      began: z.strictObject({ agent: z.string().max(128), uid: z.int().min(0) }).optional(),
      /** 32 bytes in base64 by which the secrets' prints are made; null for none */
      printKey: z.base64().length(44).nullable(),
    }),
    result: z.strictObject({
      index: z.int().nullable(),
      /** by which a gate knows the secrets when it sees them; of those that can be known so */
      prints: z.array(SecretPrints).max(64),
      /** PEM of the session's CA certificate */
      caPem: z.string(),
      placeholders: z.record(z.string(), z.string()),
    }),
  },
  'session.close': {
    params: z.strictObject({ session: SessionId, leaf: LeafInput }),
    /** null when the log has its end already: the answer to an earlier call was lost */
    result: z.strictObject({ index: z.int().nullable() }),
  },
  /** `platform.start` also writes a gap for each session that the log has open and nobody resumed */
  record: {
    params: z.strictObject({ leaf: LeafInput }),
    result: z.strictObject({ index: z.int() }),
  },
  /** as `blob.put` of a gate; an agent's own log of a session that is still open */
  'content.put': KeepContent,
  /** a piece of what was kept, for an operator; recorded by whoever asks */
  'content.get': {
    params: z.strictObject({ session: SessionId, digest: Digest, offset: z.int().min(0) }),
    result: z.strictObject({ totalBytes: z.int().min(0), piece: z.base64() }),
  },
  /** calls of tools that were handed to the client of a session that has not ended yet */
  'session.releases': sessionReleases,
  'recording.get': getRecording,
  'recording.erase': eraseRecordings,
  /** carries as its handle the keyholder's end of a socket pair; a gate has the other end */
  'gate.attach': { params: z.strictObject({ gate: GateIndex }), result: z.strictObject({}) },
  /** what an external root is to certify; empty where the root is derived, and when all is well */
  'identity.requests': {
    params: z.strictObject({}),
    result: z.strictObject({ requests: z.array(RootRequest).max(2) }),
  },
  /** what it certified, in the order of the requests; sessions start from here on */
  'identity.install': {
    params: z.strictObject({
      root: Certificate,
      rootProtection: Protection,
      certificates: z.array(Certificate).max(2),
    }),
    result: z.strictObject({}),
  },
  'identity.list': { params: z.strictObject({}), result: Identities },
  /** keys are refused at once; resolves when that is in the log and every gate has been told */
  'identity.revoke': { params: Revocation, result: RevocationResult },
  /** revocation lists, PEM (RFC 5280 §5): of the authority in force first */
  'identity.crl': { params: z.strictObject({}), result: z.strictObject({ pem: z.string() }) },
  status: {
    params: z.strictObject({}),
    result: z.strictObject({
      logSize: z.int(),
      logKey: z.string(),
      degraded: z.array(z.string()),
      sessions: z.int(),
      /** digest of the bundle that answers are checked by; null before the first */
      policy: Digest.nullable(),
    }),
  },
  stop: { params: z.strictObject({}), result: z.strictObject({}) },
} as const
