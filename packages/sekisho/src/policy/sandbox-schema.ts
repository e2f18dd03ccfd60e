import * as z from 'zod'
import {
  AttestationPolicy,
  Containment,
  Digest,
  ExecPolicy,
  Isolation,
  type Limits,
  type RootfsSource,
  type WorkspaceOptions,
} from '../wire/sandbox.ts'
import type { Label } from '../core/label.ts'
import { Confidentiality, Integrity } from '../wire/labels.ts'
import { readAbsolutePath, readWorkspacePath } from './agent-values.ts'
import { readDuration, readSize } from './quantity.ts'
import { text } from './text.ts'

const size = (min: string, max: string): z.ZodType<number> =>
  text((input) => readSize(input, { min, max }))

export const LimitsFile = z
  .strictObject({
    memory: size('16MiB', '16TiB').optional(),
    pids: z.int().min(1).max(1_000_000).default(512),
    cpus: z.number().min(0.01).max(1024).default(2),
    openFiles: z.int().min(16).max(1_048_576).default(4096),
    // A timer of Node fires at once above 2^31 - 1 ms, which is 24.8 days.
    wallClock: text((input) => readDuration(input, { min: '1ms', max: '24d' })).optional(),
    tmp: size('4KiB', '16TiB').optional(),
    tmpInodes: z.int().min(16).max(2_000_000_000).default(200_000),
    disk: size('1MiB', '16TiB').optional(),
    diskInodes: z.int().min(16).max(2_000_000_000).default(500_000),
    egress: size('1KiB', '16TiB').optional(),
    egressRequests: z.int().min(0).max(2_000_000_000).default(100_000),
  })
  .transform(
    (limits): Limits => ({
      memoryBytes: limits.memory ?? 2 * 1024 ** 3,
      pids: limits.pids,
      cpuMillis: Math.round(limits.cpus * 1000),
      openFiles: limits.openFiles,
      wallClockMs: limits.wallClock ?? 3_600_000,
      tmpBytes: limits.tmp ?? 512 * 1024 ** 2,
      tmpInodes: limits.tmpInodes,
      diskBytes: limits.disk ?? 10 * 1024 ** 3,
      diskInodes: limits.diskInodes,
      egressBytes: limits.egress ?? 1024 ** 3,
      egressRequests: limits.egressRequests,
    }),
  )

/** The agent's own configuration: what it would obey in its next session (P7.3, P7.4). */
const CONFIGURATION_AREAS: readonly string[] = [
  '.claude',
  '.codex',
  '.gemini',
  '.opencode',
  '.cursor',
  '.mcp.json',
  'AGENTS.md',
  'CLAUDE.md',
  'GEMINI.md',
  '.git/config',
  '.git/hooks',
  '.githooks',
  '.husky',
  '.envrc',
  '.vscode',
  '.idea',
  '.devcontainer',
]

/** Of everything in the directory that a session works on. */
export const WorkspaceLabelFile = z.strictObject({
  integrity: Integrity.extract(['trusted', 'untrusted']).default('trusted'),
  confidentiality: Confidentiality.default('internal'),
})

export const WorkspaceFile = z
  .strictObject({
    mode: z.enum(['overlay', 'clone']).default('overlay'),
    /** in place of the areas that agents take their configuration from */
    readOnly: z.array(text(readWorkspacePath)).max(256).optional(),
    label: WorkspaceLabelFile.prefault({}),
  })
  .transform(({ mode, readOnly, label }): WorkspaceOptions & { label: Label } => ({
    mode,
    readOnly: [...(readOnly ?? CONFIGURATION_AREAS)],
    from: null,
    label,
  }))

export const RootfsFile = z
  .strictObject({
    directory: text(readAbsolutePath).optional(),
    image: z.string().min(1).max(256).optional(),
    /** of the image's manifest: an image is taken by its content, never by a tag alone */
    digest: Digest.optional(),
  })
  .transform(({ directory, image, digest }, context): RootfsSource => {
    if (directory !== undefined && image === undefined && digest === undefined) {
      return { kind: 'directory', path: directory }
    }
    if (directory === undefined && image !== undefined && digest !== undefined) {
      return { kind: 'image', name: image, digest }
    }
    if (directory === undefined && image === undefined && digest === undefined) {
      return { kind: 'host' }
    }
    context.addIssue({
      code: 'custom',
      message: 'a root file system is a directory, or an image with its digest',
      params: { hint: 'write `directory: /path`, or `image: name` and `digest: sha256:…`' },
    })
    return z.NEVER
  })

/**
 * What common programs try by themselves and do without: refused and recorded, as any such call,
 * and no more. Found by running them; whatever is not here ends the session.
 */
const TOLERATED: readonly string[] = [
  'io_uring_setup', // Node 26, at the start of each event loop
  'fanotify_init', // the compiler of TypeScript 7, before it takes inotify
  'socket:netlink-diag', // ss
  'socket:netlink-audit', // tools of the shadow suite, such as chage
  'socket:raw', // ping
  'syslog', // dmesg
  'memfd_create', // programs that ask for memory to run from; without MFD_EXEC it is allowed
]

/** A call of the system call filter, one kind of it (`socket:raw`), or a tripwire's path. */
const Tolerable = z
  .string()
  .max(64)
  .regex(/^(?:[a-z0-9_]+(?::[a-z0-9-]+)?|\/[^\s]+)$/, 'want the name of a call, or a path')

export const SandboxKeys = {
  isolation: Isolation.default('standard'),
  exec: ExecPolicy.prefault({ written: 'record' }),
  containment: z
    .strictObject({
      onEscape: Containment.shape.onEscape.default('contain'),
      onCanary: Containment.shape.onCanary,
      /** in place of what common programs try */
      tolerated: z
        .array(Tolerable)
        .max(64)
        .default([...TOLERATED]),
    })
    .prefault({}),
  attestation: AttestationPolicy.default('require'),
} as const
