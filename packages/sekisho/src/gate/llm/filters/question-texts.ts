import type { FilterText } from './content-filter.ts'

/** What stands across the border of two questions is whole in one of them. */
const OVERLAP_CHARACTERS = 500
const BETWEEN = '\n\n'

/**
 * Texts as a service is asked about them: short ones of one channel together, long ones in parts that
 * overlap.
 *
 * @param bounds.maxCharacters of one part, UTF-16 units
 * @param bounds.maxParts after so many the rest is left out
 */
export function questionTexts(
  texts: readonly FilterText[],
  bounds: { maxCharacters: number; maxParts: number },
): FilterText[] {
  const parts: FilterText[] = []
  for (const channel of new Set(texts.map((text) => text.channel))) {
    const own = texts.filter((text) => text.channel === channel && text.text.trim() !== '')
    for (const text of packed(own, bounds.maxCharacters)) {
      parts.push({ channel, text: text.toWellFormed() })
      if (parts.length >= bounds.maxParts) return parts
    }
  }
  return parts
}

function* packed(texts: readonly FilterText[], maxCharacters: number): Generator<string> {
  let together = ''
  for (const { text } of texts) {
    const joined = together === '' ? text : together + BETWEEN + text
    if (joined.length <= maxCharacters) {
      together = joined
      continue
    }
    if (together !== '') yield together
    together = ''
    if (text.length <= maxCharacters) together = text
    else yield* overlapping(text, maxCharacters)
  }
  if (together !== '') yield together
}

function* overlapping(text: string, maxCharacters: number): Generator<string> {
  const step = maxCharacters - OVERLAP_CHARACTERS
  for (let at = 0; at === 0 || at + OVERLAP_CHARACTERS < text.length; at += step) {
    yield text.slice(at, at + maxCharacters)
  }
}
