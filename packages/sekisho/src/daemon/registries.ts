import {
  aptListUrls,
  aptSourcesUrls,
  npmRegistryUrls,
  pipIndexUrls,
  type RegistryUrl,
} from '../policy/registry-config.ts'
import { readRegistryConfiguration } from './bundle-files.ts'

/** Package registries of this machine's own configuration. */
export async function readRegistries(
  home: string,
  warn: (line: string) => void,
): Promise<RegistryUrl[]> {
  const { npm, apt, pip } = await readRegistryConfiguration(home, warn)
  const lists = apt.flatMap(({ path, text }) =>
    path.endsWith('.sources') ? aptSourcesUrls(text) : aptListUrls(text),
  )
  return [
    ...npmRegistryUrls(npm).map((url) => ({ url, ecosystem: 'npm' as const })),
    ...lists.map((url) => ({ url, ecosystem: null })),
    ...pip.flatMap(pipIndexUrls).map((url) => ({ url, ecosystem: 'pypi' as const })),
  ]
}
