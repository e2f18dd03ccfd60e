import { leafEffectOf, type LeafFacts, leafHash, MAX_LEAF_BYTES } from '@sekisho/verify'
import { canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'

/** A leaf ready to be written: its line, and what the log must know of it. */
export type PreparedLeaf = { line: Buffer; facts: LeafFacts }

/**
 * Adds `v` and `at` to what the caller hands over and makes it canonical.
 *
 * @param nowText RFC 3339, UTC, ms
 * @param after time of the leaf before; the log's time never goes back, and says when it was held
 * @throws SekishoError PROTOCOL_VIOLATION for a leaf that the log's format has no place for
 */
export function prepareLeaf(
  leaf: object,
  { nowText, after }: { nowText: string; after: string | null },
): PreparedLeaf {
  const isHeld = after !== null && nowText < after
  const at = isHeld ? after : nowText
  const whole = { ...leaf, v: 1, at, ...(isHeld ? { clock: 'held' } : {}) }
  const effect = leafEffectOf(whole)
  if (typeof effect === 'string') throw refused(effect)
  const line = Buffer.from(`${canonicalOf(whole)}\n`)
  const bytes = line.subarray(0, -1)
  if (bytes.length > MAX_LEAF_BYTES) throw refused(`a leaf of ${bytes.length} bytes`)
  const type = 'type' in leaf && typeof leaf.type === 'string' ? leaf.type : ''
  if (type === '') throw refused('a leaf without a type')
  return { line, facts: { hash: leafHash(bytes), type, at, effect } }
}

function canonicalOf(leaf: object): string {
  try {
    return canonicalJson(leaf)
  } catch (cause) {
    throw refused('a leaf that has no canonical form', cause)
  }
}

function refused(message: string, cause?: unknown): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', message, {
    hint: `a leaf is plain JSON of at most ${MAX_LEAF_BYTES} bytes`,
    cause,
  })
}
