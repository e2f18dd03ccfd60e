import * as z from 'zod'
import { Scheme, Treatments } from '../wire/policy.ts'
import { Port } from '../wire/schemas.ts'
import {
  readAbsolutePath,
  readDay,
  readHeader,
  readMethod,
  readMountSource,
  readMountTarget,
  readName,
  readRuleId,
  readSecretSource,
  readVariable,
} from './agent-values.ts'
import { bodySize, EgressKeys } from './egress-schema.ts'
import { readHost, readHostPattern } from './host-pattern.ts'
import { readPathGlob } from './path-glob.ts'
import { readPresetName } from './presets.ts'
import { LimitsFile, RootfsFile, SandboxKeys, WorkspaceFile } from './sandbox-schema.ts'
import { text } from './text.ts'

const Note = z.string().max(1024)

const Rule = z
  .strictObject({
    id: text(readRuleId),
    effect: z.enum(['allow', 'deny']),
    host: text(readHostPattern),
    scheme: Scheme.optional(),
    ports: z.array(Port).min(1).max(16).optional(),
    methods: z.array(text(readMethod)).min(1).max(32).superRefine(refuseMixedAny).optional(),
    paths: z.array(text(readPathGlob)).min(1).max(256).optional(),
    owner: Note.default(''),
    reason: Note.default(''),
    /** the last day, in UTC, that an allow rule allows anything */
    expires: text(readDay).optional(),
    /** also a GET that asks for a WebSocket, whose messages are inspected */
    websocket: z.boolean().optional(),
    withoutSni: z.boolean().optional(),
    packages: z.enum(['npm', 'pypi']).optional(),
    body: z
      .strictObject({ max: bodySize.optional(), uninspected: z.boolean().optional() })
      .optional(),
    treatments: Treatments.optional(),
  })
  .transform(({ scheme, ports, methods, paths, expires, ...rule }) => ({
    ...rule,
    /** Unix ms; null for a rule without an end */
    expiresAtMs: expires ?? null,
    /** null where the file names none: the default of an allow rule, everything for a deny rule */
    scheme: scheme ?? null,
    ports: ports ?? null,
    /** empty means any */
    methods: withoutAny(methods ?? (rule.effect === 'allow' ? ['GET', 'HEAD', 'OPTIONS'] : [])),
    /** empty means any */
    paths: paths ?? [],
  }))

/** `[GET, any]` looks like a limit and is none. */
function refuseMixedAny(methods: readonly string[], context: z.RefinementCtx): void {
  if (!methods.includes('any') || methods.length === 1) return
  context.addIssue({
    code: 'custom',
    message: '`any` stands with other methods',
    params: { hint: 'write [any], or the methods' },
  })
}

function withoutAny(methods: readonly string[]): readonly string[] {
  return methods.includes('any') ? [] : methods
}

const Secret = z.strictObject({
  name: text(readName),
  from: text(readSecretSource),
  hosts: z.array(text(readHost)).min(1).max(16),
  port: Port.default(443),
  /** lower case */
  header: text(readHeader),
  /** the variable that holds the placeholder inside the sandbox */
  env: text(readVariable)
    .optional()
    .transform((name) => name ?? null),
})

const Mount = z.strictObject({ source: text(readMountSource), target: text(readMountTarget) })

const Upstream = z.strictObject({
  host: text(readHost),
  port: Port.default(443),
  address: z.union([z.ipv4(), z.ipv6()], { error: 'want a numeric address such as 127.0.0.1' }),
  dialPort: Port,
  caFile: text(readAbsolutePath)
    .optional()
    .transform((path) => path ?? null),
  reason: Note.min(1),
})

const shapes = {
  rules: Rule.in,
  secrets: Secret,
  mounts: Mount,
  limits: LimitsFile.in,
  workspace: WorkspaceFile.in,
  rootfs: RootfsFile.in,
  exec: SandboxKeys.exec.unwrap(),
  containment: SandboxKeys.containment.unwrap(),
  upstreams: Upstream,
}

export const AgentSchema = z.strictObject({
  version: z.literal(1),
  name: text(readName),
  description: Note.default(''),
  presets: z.preprocess(
    (presets) => (presets === 'none' ? ['none'] : presets),
    z.array(text(readPresetName)).max(16).default([]),
  ),
  rules: z.array(Rule).max(2000).default([]),
  secrets: z.array(Secret).max(16).default([]),
  mounts: z.array(Mount).max(64).default([]),
  environment: z.record(z.string(), z.string().max(32_768)).default({}),
  limits: LimitsFile.prefault({}),
  upstreams: z.array(Upstream).max(64).default([]),
  rootfs: RootfsFile.prefault({}),
  workspace: WorkspaceFile.prefault({}),
  ...SandboxKeys,
  ...EgressKeys,
})

/** One agent, with every default filled in. */
export type AgentFile = z.output<typeof AgentSchema>
export type AgentRule = z.output<typeof Rule>

/** The keys that stand at a path, for the hint to an unknown one. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  const [top] = path
  if (top === undefined) return Object.keys(AgentSchema.shape)
  const shape = Object.entries(shapes).find(([name]) => name === top)?.[1]
  return shape === undefined ? [] : Object.keys(shape.shape)
}
