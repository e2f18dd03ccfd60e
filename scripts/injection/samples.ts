import { FeatureReader } from '../../packages/sekisho/src/detect/content/injection/features.ts'
import { plainText } from '../../packages/sekisho/src/detect/content/injection/plain-text.ts'
import type { Document } from './documents.ts'

export const MAX_CHARACTERS = 20_000

/** A document as features, as much of a reader as scoring needs. */
export type Sample = {
  document: Document
  features: Int32Array
  ends: Int32Array
  words: number
}

export function samplesOf(documents: readonly Document[]): Sample[] {
  const reader = new FeatureReader(MAX_CHARACTERS)
  return documents.map((document) => {
    reader.read(plainText(document.text))
    const { words } = reader
    return {
      document,
      features: reader.features.slice(0, reader.ends[words - 1] ?? 0),
      ends: reader.ends.slice(0, words),
      words,
    }
  })
}
