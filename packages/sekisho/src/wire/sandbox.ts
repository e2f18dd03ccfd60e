import * as z from 'zod'

/** What one sandbox is made of and how far it may go: shared by agent files, plans and leaves. */

export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)

export const LimitsShape = z.strictObject({
  memoryBytes: z.int().min(16 * 1024 * 1024),
  pids: z.int().min(1).max(1_000_000),
  /** in thousandths of one CPU */
  cpuMillis: z.int().min(10),
  openFiles: z.int().min(16),
  wallClockMs: z.int().min(1),
  /** of /tmp, the home, /run and /dev/shm together, which live in memory */
  tmpBytes: z.int().min(4096),
  tmpInodes: z.int().min(16),
  /** of the workspace's changes, on disk */
  diskBytes: z.int().min(1024 * 1024),
  diskInodes: z.int().min(16),
  /** sent to upstreams, headers and bodies */
  egressBytes: z.int().min(0),
  egressRequests: z.int().min(0),
})
export type Limits = z.infer<typeof LimitsShape>

export const LimitName = z.enum([
  'memory',
  'pids',
  'cpu',
  'open-files',
  'wall-clock',
  'tmp-bytes',
  'tmp-inodes',
  'disk-bytes',
  'disk-inodes',
  'egress-bytes',
  'egress-requests',
])
export type LimitName = z.infer<typeof LimitName>

/** `standard`: namespaces and a system call filter. `strong`: a kernel of its own (gVisor). */
export const Isolation = z.enum(['standard', 'strong'])
export type Isolation = z.infer<typeof Isolation>

export const RuntimeName = z.enum(['crun', 'runc', 'runsc'])
export type RuntimeName = z.infer<typeof RuntimeName>

export const RootfsSource = z.discriminatedUnion('kind', [
  /** the host's own toolchain: its /usr, read-only, and a generated /etc */
  z.strictObject({ kind: z.literal('host') }),
  z.strictObject({ kind: z.literal('directory'), path: z.string().startsWith('/') }),
  /** an image of the platform's store, of which the digest is the manifest's */
  z.strictObject({ kind: z.literal('image'), name: z.string().max(256), digest: Digest }),
])
export type RootfsSource = z.infer<typeof RootfsSource>

/** An image that came into the platform's store, and from where. */
export const ImageImport = z.strictObject({
  name: z.string().max(256),
  digest: Digest,
  source: z.string().max(4096),
})

export const ExecPolicy = z.strictObject({
  /** whether files written in the session may run: refused, or run and recorded */
  written: z.enum(['deny', 'record']),
})
export type ExecPolicy = z.infer<typeof ExecPolicy>

/** What an attempt to escape does to a session. */
export const Containment = z.strictObject({
  onEscape: z.enum(['contain', 'record']),
  /** the same for a canary on its way to the outside; left out: refused and recorded, no more */
  onCanary: z.enum(['contain', 'record']).optional(),
  /**
   * what this agent's tools are known to try: system calls by name or by kind (`socket:raw`), and
   * tripwires by path; refused and recorded, no more
   */
  tolerated: z.array(z.string().max(64)).max(64),
})
export type Containment = z.infer<typeof Containment>

/** What happens when a control does not hold at the start: no session, or one that is marked. */
export const AttestationPolicy = z.enum(['require', 'mark'])

/** One control as it was tried at the start of a session. */
export const Attested = z.strictObject({
  control: z.string().max(64),
  /** null: it could not be tried here, and `detail` says why */
  held: z.boolean().nullable(),
  detail: z.string().max(256),
})
export type Attested = z.infer<typeof Attested>

/** How the workspace comes into a session, and what of it is out of the agent's reach. */
export const WorkspaceOptions = z.strictObject({
  /** a layer over the user's directory, or a fresh `git clone` of it */
  mode: z.enum(['overlay', 'clone']),
  /** paths of the workspace that are read-only inside where they exist */
  readOnly: z.array(z.string().min(1).max(1024)).max(256),
  /** a snapshot that the changes begin with */
  from: z.string().max(64).nullable(),
})
export type WorkspaceOptions = z.infer<typeof WorkspaceOptions>

export const EndReason = z.enum([
  'exit',
  'stopped',
  'wall-clock',
  'limit',
  'contained',
  'client-gone',
  'failed',
])
