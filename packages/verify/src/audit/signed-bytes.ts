import { canonicalForm } from '../canonical.ts'
import type { Leaf } from './fields.ts'

/** Before what a session's key signs, and what a gate's does: one is never taken for the other. */
const LEAF_CONTEXT = Buffer.from('sekisho/leaf/v2\n')
const CLAIM_CONTEXT = Buffer.from('sekisho/claim/v2\n')

/** What the keyholder adds to what a gate hands over. */
const STAMPS: ReadonlySet<string> = new Set([
  'v',
  'at',
  'clock',
  'identity',
  'state',
  'sig',
  'claim',
])

/**
 * What `sig` is over: the canonical form of the whole leaf without it.
 *
 * @param bytes the leaf's canonical form
 */
export function signedLeafBytes(leaf: Leaf, bytes: Buffer): Buffer {
  const cut = `"sig":${canonicalForm(leaf['sig'])},`
  const at = bytes.indexOf(cut)
  // a quote within a string is escaped, so this is a member; `type` and `v` always follow it
  const isOnly = at >= 0 && bytes.indexOf(cut, at + 1) < 0
  if (isOnly) {
    return Buffer.concat([LEAF_CONTEXT, bytes.subarray(0, at), bytes.subarray(at + cut.length)])
  }
  const { sig: _, ...rest } = leaf
  return Buffer.concat([LEAF_CONTEXT, Buffer.from(canonicalForm(rest))])
}

/** What `claim` is over: what the gate handed over, canonical. */
export function claimedBytes(leaf: Leaf): Buffer {
  const handed = Object.fromEntries(Object.entries(leaf).filter(([key]) => !STAMPS.has(key)))
  return Buffer.concat([CLAIM_CONTEXT, Buffer.from(canonicalForm(handed))])
}
