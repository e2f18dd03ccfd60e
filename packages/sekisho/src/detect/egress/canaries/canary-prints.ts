import type { Canary } from '../../../wire/canary.ts'
import type { SecretPrints } from '../../../wire/secret-prints.ts'
import { keyedHash } from '../secret-prints/keyed-hash.ts'
import { makePrints } from '../secret-prints/make-secret-prints.ts'

/**
 * Canaries are looked for like the platform's secrets, in the same pass: add these to the set that
 * a session's streams are scanned for.
 *
 * @param key the key of that set
 * @throws RangeError when a token is too short or too long to be looked for
 */
export function canaryPrints({ tokens }: Canary, key: Uint8Array): SecretPrints[] {
  const hash = keyedHash(key)
  return tokens.map(({ name, value }) => {
    const made = makePrints({ class: 'canary', name, value }, hash)
    if (made.kind === 'refused') throw new RangeError(made.reason)
    return made.prints
  })
}
