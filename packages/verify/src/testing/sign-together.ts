import { sign } from 'node:crypto'
import { joinForSigning } from '../batch-signature.ts'
import { canonicalForm } from '../canonical.ts'
import { member, text } from '../audit/fields.ts'
import type { Leaf } from './build-log.ts'
import type { KeyPair } from './certificates.ts'

/** What stands in each of some leaves that one key signs together; one alone is signed by itself. */
function signTogether(texts: readonly string[], { key, id }: KeyPair): Leaf[] {
  const joined = joinForSigning(texts.map((one) => Buffer.from(one)))
  const { places } = joined
  const message = texts.length === 1 ? Buffer.from(texts[0] ?? '') : joined.message
  const value = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }).toString('base64')
  if (texts.length === 1) return [{ by: id, value }]
  return places.map(({ at, of, path }) => {
    const hashes = path.map((hash) => hash.toString('base64'))
    return { by: id, value, batch: { at, of, path: hashes } }
  })
}

/**
 * The same leaves, those of each key with one signature: all claims of a gate, then all that a
 * session has signed.
 */
export function signedAnew(leaves: readonly Leaf[], keys: ReadonlyMap<string, KeyPair>): Leaf[] {
  const isStamp = (name: string): boolean => ['v', 'at', 'sig', 'claim', 'state'].includes(name)
  const claimed = rewrite(leaves, keys, {
    name: 'claim',
    textOf: (leaf) => `sekisho/claim/v2\n${canonicalForm(without(leaf, isStamp))}`,
  })
  return rewrite(claimed, keys, {
    name: 'sig',
    textOf: (leaf) => `sekisho/leaf/v2\n${canonicalForm(without(leaf, (name) => name === 'sig'))}`,
  })
}

function rewrite(
  leaves: readonly Leaf[],
  keys: ReadonlyMap<string, KeyPair>,
  { name, textOf }: { name: 'sig' | 'claim'; textOf: (leaf: Leaf) => string },
): Leaf[] {
  const made = [...leaves]
  for (const [id, key] of keys) {
    const own = [...made.entries()].filter(([, leaf]) => text(member(leaf, name), 'by') === id)
    const signatures =
      own.length === 0
        ? []
        : signTogether(
            own.map(([, leaf]) => textOf(leaf)),
            key,
          )
    for (const [i, signature] of signatures.entries()) {
      const [index, leaf] = own[i] ?? [0, {}]
      made[index] = { ...leaf, [name]: signature }
    }
  }
  return made
}

function without(leaf: Leaf, isOut: (name: string) => boolean): Leaf {
  return Object.fromEntries(Object.entries(leaf).filter(([name]) => !isOut(name)))
}
