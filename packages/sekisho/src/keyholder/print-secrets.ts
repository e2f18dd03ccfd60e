import { makeSecretPrints } from '../detect/egress/secret-prints/make-secret-prints.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import type { SessionSecret } from './session.ts'

export type Printed = { prints: SecretPrints[]; unprinted: string[] }

/** What a gate knows secrets by without having them. @param key base64; null makes none */
export function printSecrets(secrets: readonly SessionSecret[], key: string | null): Printed {
  const printed: Printed = { prints: [], unprinted: [] }
  if (key === null) return printed
  const bytes = Buffer.from(key, 'base64')
  for (const { binding, value } of secrets) {
    const made = makeSecretPrints(binding.name, value, bytes)
    if (made.kind === 'made') printed.prints.push(made.prints)
    else printed.unprinted.push(made.reason)
  }
  return printed
}
