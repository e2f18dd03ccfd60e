import { signedTogether } from '@sekisho/verify'
import { LeafSignature } from '../../wire/identity.ts'

/** What the key of a `sig` or `claim` has to have signed. @param text that stands in the leaf, with its context */
export function signedMessage(
  text: Buffer,
  signature: unknown,
): { by: string; value: Buffer; message: Buffer } {
  const { by, value: base64, batch } = LeafSignature.parse(signature)
  const value = Buffer.from(base64, 'base64')
  if (batch === undefined) return { by, value, message: text }
  const path = batch.path.map((hash) => Buffer.from(hash, 'base64'))
  return { by, value, message: signedTogether(text, { ...batch, path }) ?? Buffer.alloc(0) }
}
