import * as z from 'zod'
import type { Limits } from '../wire/schemas.ts'
import { Port } from '../wire/schemas.ts'
import {
  readAbsolutePath,
  readHeader,
  readMethod,
  readMountSource,
  readMountTarget,
  readName,
  readRuleId,
  readSecretSource,
  readVariable,
} from './agent-values.ts'
import { readHost, readHostPattern } from './host-pattern.ts'
import { readPathGlob } from './path-glob.ts'
import { readPresetName } from './presets.ts'
import type { Read } from './problem.ts'
import { readDuration, readSize } from './quantity.ts'

/** Text that a reader of this house turns into a value, or refuses with a hint. */
function text<T>(read: (text: string) => Read<T>): z.ZodType<T> {
  return z.string().transform((input, context) => {
    const result = read(input)
    if ('value' in result) return result.value
    context.addIssue({ code: 'custom', message: result.problem, params: { hint: result.hint } })
    return z.NEVER
  })
}

const Note = z.string().max(1024)

const Rule = z
  .strictObject({
    id: text(readRuleId),
    effect: z.enum(['allow', 'deny']),
    host: text(readHostPattern),
    scheme: z.enum(['http', 'https']).optional(),
    ports: z.array(Port).min(1).max(16).optional(),
    methods: z.array(text(readMethod)).min(1).max(32).superRefine(refuseMixedAny).optional(),
    paths: z.array(text(readPathGlob)).min(1).max(256).optional(),
    owner: Note.default(''),
    reason: Note.default(''),
  })
  .transform(({ scheme, ports, methods, paths, ...rule }) => ({
    ...rule,
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

const size = (min: string, max: string): z.ZodType<number> =>
  text((input) => readSize(input, { min, max }))

const LimitsFile = z
  .strictObject({
    memory: size('16MiB', '16TiB').optional(),
    pids: z.int().min(1).max(1_000_000).default(512),
    cpus: z.number().min(0.01).max(1024).default(2),
    openFiles: z.int().min(16).max(1_048_576).default(4096),
    // A timer of Node fires at once above 2^31 - 1 ms, which is 24.8 days.
    wallClock: text((input) => readDuration(input, { min: '1ms', max: '24d' })).optional(),
    tmp: size('4KiB', '16TiB').optional(),
  })
  .transform(
    (limits): Limits => ({
      memoryBytes: limits.memory ?? 2 * 1024 ** 3,
      pids: limits.pids,
      cpuMillis: Math.round(limits.cpus * 1000),
      openFiles: limits.openFiles,
      wallClockMs: limits.wallClock ?? 3_600_000,
      tmpBytes: limits.tmp ?? 512 * 1024 ** 2,
    }),
  )

const shapes = {
  rules: Rule.in,
  secrets: Secret,
  mounts: Mount,
  limits: LimitsFile.in,
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
