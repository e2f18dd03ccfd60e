import {
  aptListUrls,
  aptSourcesUrls,
  npmRegistryUrls,
  pipIndexUrls,
} from '../policy/registry-config.ts'
import { readRegistryConfiguration } from './bundle-files.ts'

/** Package registries of this machine's own configuration, as URLs. */
export async function readRegistries(
  home: string,
  warn: (line: string) => void,
): Promise<string[]> {
  const { npm, apt, pip } = await readRegistryConfiguration(home, warn)
  return [
    ...npmRegistryUrls(npm),
    ...apt.flatMap(({ path, text }) =>
      path.endsWith('.sources') ? aptSourcesUrls(text) : aptListUrls(text),
    ),
    ...pip.flatMap(pipIndexUrls),
  ]
}
