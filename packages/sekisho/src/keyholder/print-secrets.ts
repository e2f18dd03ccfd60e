import { makeSecretPrints } from '../detect/egress/secret-prints/make-secret-prints.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import type { SessionSecret } from './session.ts'

/**
 * What a gate knows secrets by without having them. One of a length that cannot be known so has none:
 * the session's start leaf says which.
 *
 * @param key base64; null makes none
 */
export function printSecrets(
  secrets: readonly SessionSecret[],
  key: string | null,
): SecretPrints[] {
  if (key === null) return []
  const bytes = Buffer.from(key, 'base64')
  return secrets.flatMap(({ binding, value }) => {
    const made = makeSecretPrints(binding.name, value, bytes)
    return made.kind === 'made' ? [made.prints] : []
  })
}
