import * as z from 'zod'
import { MODEL_APIS, TOOL_DOINGS } from '../core/action.ts'
import { ApprovalKind } from './labels.ts'

/** Shapes that more than one process sends. Strict everywhere: an unknown field is an error. */

export const SessionId = z.string().regex(/^s-[0-9a-z]{20}$/, 'want s- and 20 characters')

/** `setup` has another network than the agent's own session, which begins from what it left. */
export const Phase = z.enum(['setup', 'agent'])
export type Phase = z.infer<typeof Phase>

export const Port = z.int().min(1).max(65_535)

/** Where a secret's value is read from; never the value. */
export const SecretSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('env'), variable: z.string().min(1) }),
  z.strictObject({ kind: z.literal('file'), path: z.string().startsWith('/') }),
])

export const VerdictShape = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('allow'), rules: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('deny'), rules: z.array(z.string()), reason: z.string() }),
  z.strictObject({
    kind: z.literal('hold'),
    rules: z.array(z.string()),
    reason: z.string(),
    needs: z.array(ApprovalKind).optional(),
  }),
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
    upgrade: z.literal('websocket').optional(),
  }),
  z.strictObject({
    kind: z.literal('ws.message'),
    host: z.string().max(253),
    port: Port,
    path: Text,
    type: z.enum(['text', 'binary']),
    bytes: z.int().min(0),
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
  z.strictObject({
    kind: z.literal('package.install'),
    ecosystem: z.enum(['npm', 'pypi']),
    name: z.string().max(256),
    version: z.string().max(256).nullable(),
    scheme: z.enum(['http', 'https']),
    host: z.string().max(253),
    port: Port,
    file: z.string().max(16_640),
  }),
  z.strictObject({
    kind: z.literal('llm.generate'),
    provider: z.string().max(64),
    model: z.string().max(256),
    api: z.enum(MODEL_APIS),
    stream: z.boolean(),
    serverTools: z.array(z.string().max(128)).max(64),
    scheme: z.enum(['http', 'https']),
    host: z.string().max(253),
    port: Port,
    path: Text,
  }),
  z.strictObject({
    kind: z.literal('llm.tool-call'),
    provider: z.string().max(64),
    model: z.string().max(256),
    tool: z.string().max(256),
    does: z.enum(TOOL_DOINGS),
    commands: z
      .array(
        z.strictObject({
          program: z.string().max(1024).nullable(),
          args: z.array(z.string().max(1024).nullable()).max(64),
        }),
      )
      .max(64),
    paths: z.array(z.string().max(1024)).max(64),
    urls: z.array(z.string().max(2048)).max(64),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    callId: z.string().max(256).nullable(),
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
    /** strong ETag of what the action left, where a pre-image was kept and the reply tells it */
    etag: z.string().max(1024).optional(),
  }),
  z.strictObject({
    kind: z.literal('refused'),
    rules: z.array(z.string()),
    reason: z.string(),
  }),
  z.strictObject({ kind: z.literal('failed'), code: z.string().max(64), message: z.string() }),
])
