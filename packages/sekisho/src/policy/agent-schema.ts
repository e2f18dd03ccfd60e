import * as z from 'zod'
import { Port } from '../wire/schemas.ts'
import {
  readAbsolutePath,
  readAwsName,
  readHeader,
  readMountSource,
  readMountTarget,
  readName,
  readSecretSource,
  readVariable,
} from './agent-values.ts'
import {
  EgressKeys,
  EgressProxyFile,
  InspectionFile,
  PrivateRangeFile,
  Reason,
} from './egress-schema.ts'
import { readHost } from './host-pattern.ts'
import { PackageExceptionFile, PackagesFile } from './packages-schema.ts'
import { readPresetName } from './presets.ts'
import { BudgetFile, ProvenanceFile, ProvenanceKeys } from './provenance-schema.ts'
import { RuleBodyFile, RuleFile, RuleRecoveryFile } from './rule-schema.ts'
import {
  LimitsFile,
  RootfsFile,
  SandboxKeys,
  WorkspaceFile,
  WorkspaceLabelFile,
} from './sandbox-schema.ts'
import { text } from './text.ts'
import { ToolRuleFile, ToolsFile } from './tools/tools-schema.ts'

const Note = z.string().max(1024)

function optionalOf<Schema extends z.ZodType>(
  schema: Schema,
): z.ZodType<z.output<Schema> | null, z.input<Schema> | undefined> {
  return schema.optional().transform((value) => value ?? null)
}

/** What the id in `from` signs with; nothing of it is ever sent. */
const AwsKeyFile = z.strictObject({
  secretKey: text(readSecretSource),
  sessionToken: optionalOf(text(readSecretSource)),
  /** null for what the hosts say */
  region: optionalOf(text(readAwsName)),
  service: optionalOf(text(readAwsName)),
})

const Secret = z.strictObject({
  name: text(readName),
  from: text(readSecretSource),
  hosts: z.array(text(readHost)).min(1).max(16),
  port: Port.default(443),
  /** lower case; null where it signs */
  header: optionalOf(text(readHeader)),
  aws: optionalOf(AwsKeyFile),
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
  reason: Reason,
})

const NetworkKeys = {
  presets: z.preprocess(
    (presets) => (presets === 'none' || presets === 'off' ? [presets] : presets),
    z.array(text(readPresetName)).max(16).default([]),
  ),
  rules: z.array(RuleFile).max(2000).default([]),
}

/** A session of its own before the agent's, with another network and on the same workspace. */
const SetupFile = z.strictObject({
  ...NetworkKeys,
  /** as words, never by a shell; null: a caller names it */
  command: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .optional()
    .transform((command) => command ?? null),
})

const shapes: Readonly<Record<string, { shape: Readonly<Record<string, unknown>> }>> = {
  rules: RuleFile.in,
  'rules.body': RuleBodyFile,
  'rules.recovery': RuleRecoveryFile,
  secrets: Secret,
  'secrets.aws': AwsKeyFile,
  mounts: Mount,
  limits: LimitsFile.in,
  workspace: WorkspaceFile.in,
  'workspace.label': WorkspaceLabelFile,
  rootfs: RootfsFile.in,
  exec: SandboxKeys.exec.unwrap(),
  containment: SandboxKeys.containment.unwrap(),
  upstreams: Upstream,
  inspection: InspectionFile.in,
  privateRanges: PrivateRangeFile.in,
  proxy: EgressProxyFile.in,
  packages: PackagesFile.in,
  provenance: ProvenanceFile,
  budgets: BudgetFile.in,
  'packages.exceptions': PackageExceptionFile.in,
  tools: ToolsFile,
  'tools.rules': ToolRuleFile.in,
  setup: SetupFile,
  'setup.rules': RuleFile.in,
  'setup.rules.body': RuleBodyFile,
  'setup.rules.recovery': RuleRecoveryFile,
}

export const AgentSchema = z.strictObject({
  version: z.literal(1),
  name: text(readName),
  description: Note.default(''),
  ...NetworkKeys,
  setup: SetupFile.optional().transform((setup) => setup ?? null),
  tools: ToolsFile.optional().transform((tools) => tools ?? null),
  secrets: z.array(Secret).max(16).default([]),
  mounts: z.array(Mount).max(64).default([]),
  environment: z.record(z.string(), z.string().max(32_768)).default({}),
  limits: LimitsFile.prefault({}),
  upstreams: z.array(Upstream).max(64).default([]),
  rootfs: RootfsFile.prefault({}),
  workspace: WorkspaceFile.prefault({}),
  ...SandboxKeys,
  ...EgressKeys,
  ...ProvenanceKeys,
})

/** One agent, with every default filled in. */
export type AgentFile = z.output<typeof AgentSchema>
export type AgentRule = z.output<typeof RuleFile>

/** The keys that stand at a path, for the hint to an unknown one. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(AgentSchema.shape)
  const name = path.filter((part) => typeof part === 'string').join('.')
  return Object.keys(shapes[name]?.shape ?? {})
}
