import * as z from 'zod'

/** Shapes that more than one process sends. Strict everywhere: an unknown field is an error. */

export const SessionId = z.string().regex(/^s-[0-9a-z]{20}$/, 'want s- and 20 characters')

export const Port = z.int().min(1).max(65_535)

export const VerdictShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('allow'), rules: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('deny'), rules: z.array(z.string()), reason: z.string() }),
  z.strictObject({ kind: z.literal('hold'), rules: z.array(z.string()), reason: z.string() }),
])

const Text = z.string().max(8192)

export const ActionShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http.request'),
    scheme: z.enum(['http', 'https']),
    method: z.string().max(32),
    host: z.string().max(253),
    port: Port,
    path: Text,
    query: Text.nullable(),
  }),
  z.strictObject({
    kind: z.literal('net.connect'),
    transport: z.enum(['tcp', 'udp', 'icmp', 'icmpv6', 'other']),
    address: z.string().max(64),
    port: z.int().min(0).max(65_535).nullable(),
    host: z.string().max(253).nullable(),
  }),
  z.strictObject({
    kind: z.literal('dns.resolve'),
    name: z.string().max(1024),
    type: z.string().max(16),
  }),
  z.strictObject({
    kind: z.literal('process.syscall'),
    syscall: z.string().max(64),
    args: z.array(z.string().max(32)).max(6),
    pid: z.int(),
    command: z.string().max(64),
  }),
  z.strictObject({
    kind: z.literal('file.open'),
    path: z.string().max(4096),
    pid: z.int(),
    command: z.string().max(64),
  }),
  z.strictObject({
    kind: z.literal('secret.use'),
    secret: z.string().max(128),
    host: z.string().max(253),
    where: z.string().max(128),
  }),
])

export const OutcomeShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('performed'),
    /** HTTP status of the reply; null where the protocol has none */
    status: z.int().nullable(),
    /** the address that was dialled */
    address: z.string().max(64).nullable(),
    bytesOut: z.int().min(0),
    bytesIn: z.int().min(0),
    /** how many echoes of a credential were taken out of the reply */
    scrubbed: z.int().min(0),
  }),
  z.strictObject({
    kind: z.literal('refused'),
    rules: z.array(z.string()),
    reason: z.string(),
  }),
  z.strictObject({ kind: z.literal('failed'), code: z.string().max(64), message: z.string() }),
])

export const LimitsShape = z.strictObject({
  memoryBytes: z.int().min(16 * 1024 * 1024),
  pids: z.int().min(1).max(1_000_000),
  /** in thousandths of one CPU */
  cpuMillis: z.int().min(10),
  openFiles: z.int().min(16),
  wallClockMs: z.int().min(1),
  tmpBytes: z.int().min(4096),
})
export type Limits = z.infer<typeof LimitsShape>

const Id = z.string().min(1).max(64)
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)

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
    runtime: z.string(),
    initiator: z.strictObject({ uid: z.int(), pid: z.int() }),
    limits: LimitsShape,
    degraded: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('session.end'),
    session: SessionId,
    exitCode: z.int().nullable(),
    reason: z.enum(['exit', 'stopped', 'wall-clock', 'client-gone', 'failed']),
    counters: z.record(z.string(), z.int()),
  }),
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
  }),
  z.strictObject({
    type: z.literal('action.outcome'),
    session: SessionId,
    id: Id,
    outcome: OutcomeShape,
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
