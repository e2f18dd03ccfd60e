import { fromBase64 } from '../base64.ts'
import { type BatchPlace, signedTogether } from '../batch-signature.ts'
import { count, type Leaf, member, text } from './fields.ts'

const SIGNATURE_BYTES = 64

/** What a key has to have signed, and the signature that says so; r‖s. */
export type SignedMessage = { message: Buffer; signature: Buffer }

/**
 * Reads a `sig` or a `claim`: a signature of one text, or of several together. Nothing in it is
 * covered by the signature itself, so nothing is let through that is not needed to check it.
 *
 * @param signed the text that stands in the leaf, with its context before it
 * @returns undefined for what is no signature
 */
export function readSignature(given: Leaf | undefined, signed: Buffer): SignedMessage | undefined {
  if (given === undefined) return undefined
  const signature = fromBase64(text(given, 'value') ?? '')
  const message = given['batch'] === undefined ? signed : joined(member(given, 'batch'), signed)
  const isPlain = Object.keys(given).every((name) => MEMBERS.has(name))
  if (signature?.length !== SIGNATURE_BYTES || message === undefined || !isPlain) return undefined
  return { message, signature }
}

const MEMBERS: ReadonlySet<string> = new Set(['by', 'value', 'batch'])

/** One text is signed alone: in a tree of one it could stand in two forms. */
function joined(batch: Leaf | undefined, signed: Buffer): Buffer | undefined {
  const place = placeOf(batch)
  return place === undefined || place.of < 2 ? undefined : signedTogether(signed, place)
}

function placeOf(batch: Leaf | undefined): BatchPlace | undefined {
  const [at, of, given] = [count(batch, 'at'), count(batch, 'of'), batch?.['path']]
  if (at === undefined || of === undefined || !Array.isArray(given)) return undefined
  if (Object.keys(batch ?? {}).length !== 3) return undefined
  const path = given.map((hash: unknown) =>
    typeof hash === 'string' ? fromBase64(hash) : undefined,
  )
  const known = path.filter((hash) => hash !== undefined)
  return known.length === path.length ? { at, of, path: known } : undefined
}
