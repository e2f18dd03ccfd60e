import type { PackageRegistry } from '../../detect/packages/registry-request.ts'
import type { SessionPolicy } from '../../wire/policy.ts'

/** The registries that a session may reach: its allow rules with `packages`. */
export function packageRegistries({ rules }: SessionPolicy): PackageRegistry[] {
  return rules.flatMap(({ effect, scheme, host, port, options }): PackageRegistry[] => {
    const ecosystem = options?.packages
    if (ecosystem === undefined || effect !== 'allow') return []
    if (scheme !== 'http' && scheme !== 'https') return []
    return [{ ecosystem, scheme, host, port, base: options?.packagesBase ?? '' }]
  })
}
