import type { Sample } from './samples.ts'

/** Words in a row that two texts have in common when one is made of the other. */
const SHINGLE_WORDS = 5

/** Sequences of words, a hash of each by the word that it begins with; a shorter text is one. */
function shinglesOf({ features, ends, words }: Sample): number[] {
  const shingles: number[] = []
  const count = Math.max(1, words - SHINGLE_WORDS + 1)
  for (let first = 0; first < count; first++) {
    let hash = Math.min(words, SHINGLE_WORDS)
    for (let word = first; word < Math.min(words, first + SHINGLE_WORDS); word++) {
      // the word by itself is the first feature that it gives
      const at = word === 0 ? 0 : (ends[word - 1] ?? 0)
      hash = Math.imul(hash ^ (features[at] ?? 0), 0x9e3779b1) ^ (hash >>> 15)
    }
    shingles.push(hash)
  }
  return shingles
}

function allShingles(samples: readonly Sample[]): Set<number> {
  const known = new Set<number>()
  for (const sample of samples) for (const shingle of shinglesOf(sample)) known.add(shingle)
  return known
}

/** The samples that are not, to a given share or more, made of sequences that `others` hold. */
export function withoutCopies(
  samples: readonly Sample[],
  others: readonly Sample[],
  share: number,
): Sample[] {
  const known = allShingles(others)
  return samples.filter((sample) => {
    const shingles = new Set(shinglesOf(sample))
    let common = 0
    for (const shingle of shingles) if (known.has(shingle)) common++
    return common < share * shingles.size
  })
}

/** Left of an attack at least, or it is told by what honest texts have too, and stays whole. */
const MIN_OWN_WORDS = 3

/**
 * Attacks without what they have in common with honest texts: most stand in the middle of an honest
 * letter or table, and nobody has said where.
 */
export function withoutHosts(attacks: readonly Sample[], honest: readonly Sample[]): Sample[] {
  const known = allShingles(honest)
  return attacks.map((attack) => {
    const isHost = new Uint8Array(attack.words)
    if (attack.words < SHINGLE_WORDS) return attack
    shinglesOf(attack).forEach((shingle, first) => {
      if (known.has(shingle)) isHost.fill(1, first, first + SHINGLE_WORDS)
    })
    return ownWords(attack, isHost)
  })
}

function ownWords(attack: Sample, isHost: Uint8Array): Sample {
  const features: number[] = []
  const ends: number[] = []
  for (let word = 0; word < attack.words; word++) {
    if (isHost[word] === 1) continue
    const from = word === 0 ? 0 : (attack.ends[word - 1] ?? 0)
    features.push(...attack.features.subarray(from, attack.ends[word]))
    ends.push(features.length)
  }
  if (ends.length < MIN_OWN_WORDS) return attack
  return {
    document: attack.document,
    features: Int32Array.from(features),
    ends: Int32Array.from(ends),
    words: ends.length,
  }
}
