import { isObject, parseCanonical, parseObject } from './canonical.ts'
import type { IntentEffect, OpenIntent } from './intents.ts'
import { leafHash } from './merkle.ts'

/** A leaf is at most this long in its canonical form: 16 bits, as in tlog-tiles entry bundles. */
export const MAX_LEAF_BYTES = 65_535

/** What the log's own rules need to know of a leaf. */
export type LeafFacts = {
  hash: Buffer
  type: string
  at: string
  effect: IntentEffect | undefined
}

const AT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

/**
 * Reads one leaf; a string says what is wrong with it.
 *
 * @param canonical whether to check the form as well, which costs more than the hash
 */
export function readLeaf(bytes: Buffer, canonical: boolean): LeafFacts | string {
  if (bytes.length > MAX_LEAF_BYTES) return `a leaf of ${bytes.length} bytes`
  const leaf = canonical ? parseCanonical(bytes) : parseObject(bytes)
  if (leaf === undefined) return 'a leaf that is not canonical JSON'
  const { v, type, at } = leaf
  if (v !== 1) return 'a leaf of an unknown version'
  if (typeof type !== 'string' || type === '') return 'a leaf without a type'
  if (typeof at !== 'string' || !AT.test(at)) return 'a leaf without a time'
  const effect = intentEffectOf(leaf)
  if (typeof effect === 'string') return effect
  return { hash: leafHash(bytes), type, at, effect }
}

/** What a leaf opens or closes; a string says what is wrong with it. */
export function intentEffectOf(
  leaf: Readonly<Record<string, unknown>>,
): IntentEffect | undefined | string {
  switch (leaf['type']) {
    case 'action.intent':
      return opening(leaf)
    case 'action.outcome':
      return closing(leaf, 'outcome')
    case 'gap':
      return leaf['session'] === null ? undefined : closing(leaf, 'gap')
    default:
      return undefined
  }
}

function opening(leaf: Readonly<Record<string, unknown>>): IntentEffect | undefined | string {
  const intent = intentOf(leaf)
  if (typeof intent === 'string') return intent
  const verdict = leaf['verdict']
  if (!isObject(verdict)) return 'action.intent without a verdict'
  return verdict['kind'] === 'allow' ? { does: 'open', intent } : undefined
}

function closing(
  leaf: Readonly<Record<string, unknown>>,
  by: 'outcome' | 'gap',
): IntentEffect | string {
  const intent = intentOf(leaf)
  return typeof intent === 'string' ? intent : { does: 'close', intent, by }
}

function intentOf({ session, id }: Readonly<Record<string, unknown>>): OpenIntent | string {
  if (typeof session !== 'string' || typeof id !== 'string') return 'a leaf without session and id'
  return { session, id }
}
