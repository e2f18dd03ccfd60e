import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { BundleFiles } from '../daemon/bundle-files.ts'
import { DETECTOR_IDS } from '../daemon/detector-ids.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { readRegistries } from '../daemon/registries.ts'
import { readSettings } from '../daemon/settings.ts'
import type { Bundle } from '../policy/bundle.ts'
import { namedDetectors, requireKnownDetectors } from '../policy/known-detectors.ts'
import type { RegistryOrigin } from '../policy/registry-config.ts'
import { readRegistryUrls } from '../policy/registry-config.ts'
import { type LoadedPolicy, loadPolicy } from '../policy-text/load-policy.ts'
import type { Terminal } from './command.ts'

/** A policy directory, read and found valid as a whole. */
export type ReadBundle = {
  directory: string
  bundle: Bundle
  policy: LoadedPolicy
  /** texts of its files by path below the directory */
  files: ReadonlyMap<string, string>
  origins: readonly RegistryOrigin[]
}

/**
 * @param given a directory; the instance's own when undefined
 * @throws SekishoError CONFIG_INVALID
 */
export async function readBundle(
  given: string | undefined,
  terminal: Terminal,
): Promise<ReadBundle> {
  const directory = resolve(given ?? pathsFrom(process.env).bundle)
  readSettings(directory)
  const files = new Map(Object.entries(new BundleFiles(directory).read(null).files ?? {}))
  const registries = await readRegistries(homedir(), (line) => terminal.err(line))
  const { origins } = readRegistryUrls(registries)
  const policy = await loadPolicy(files, registries)
  const { bundle } = policy
  requireKnownDetectors(
    namedDetectors(bundle.agents.map((name) => bundle.agent(name))),
    DETECTOR_IDS,
  )
  return { directory, bundle, policy, files, origins }
}
