import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { BundleFiles } from '../daemon/bundle-files.ts'
import { readOperators } from '../daemon/operator-key.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { readRegistries } from '../daemon/registries.ts'
import { readSettings } from '../daemon/settings.ts'
import { type Bundle, loadBundle } from '../policy/bundle.ts'
import type { RegistryOrigin } from '../policy/registry-config.ts'
import { readRegistryUrls } from '../policy/registry-config.ts'
import type { Terminal } from './command.ts'

/** A policy directory, read and found valid as a whole. */
export type ReadBundle = {
  directory: string
  bundle: Bundle
  /** texts of the agent files by path below the directory */
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
  readOperators(directory)
  const files = new Map(Object.entries(new BundleFiles(directory).read(null).files ?? {}))
  const registries = await readRegistries(homedir(), (line) => terminal.err(line))
  const { origins } = readRegistryUrls(registries)
  return { directory, bundle: loadBundle(files, registries), files, origins }
}
