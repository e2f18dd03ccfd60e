import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { SekishoError } from '../core/error.ts'
import { ExportSettings } from './export-settings.ts'
import { WitnessSettings } from './witness-settings.ts'
import { IdentitySettings } from '../wire/root-settings.ts'

const Settings = z.strictObject({
  version: z.literal(1),
  /** resolvers that the gate asks at dial time, `address` or `address:port`; empty: the system's */
  dnsServers: z.array(z.string()).default([]),
  /** data-plane processes; sessions are spread over them */
  gates: z.int().min(1).max(64).default(1),
  /**
   * whether the log's files get the append-only flag of the file system; where absent, they do,
   * unless the instance is one under SEKISHO_HOME, which is to be removable
   */
  logAppendOnly: z.boolean().optional(),
  /** what runs sandboxes of the isolation `standard` */
  runtime: z.enum(['crun', 'runc']).default('crun'),
  /** berths (network, cgroup, a whole sandbox that waits) kept ready for the next sessions */
  readyBerths: z.int().min(0).max(64).default(4),
  /** whose names sessions have, and who holds the key that certifies them */
  identity: IdentitySettings.prefault({}),
  /** where the log is sent */
  exports: ExportSettings.prefault({}),
  /** who cosigns the log */
  witnesses: WitnessSettings.prefault({}),
})
export type Settings = z.infer<typeof Settings>

/** Read once at start and frozen. A bundle without `platform.yaml` has the defaults. */
export function readSettings(bundle: string): Settings {
  const path = join(bundle, 'platform.yaml')
  const text = readText(path)
  if (text === undefined) return Object.freeze(Settings.parse({ version: 1 }))
  const parsed = Settings.safeParse(parseYaml(path, text))
  if (parsed.success) return Object.freeze(parsed.data)
  throw new SekishoError('CONFIG_INVALID', `${path}: ${z.prettifyError(parsed.error)}`, {
    hint: `mend ${path}`,
  })
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text, { uniqueKeys: true, maxAliasCount: 0 })
  } catch (error) {
    throw new SekishoError('CONFIG_INVALID', `${path} is not YAML: ${String(error)}`, {
      hint: `mend ${path}`,
      cause: error,
    })
  }
}
