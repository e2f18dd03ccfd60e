import type { Random } from './random.ts'

export type Outcome = {
  /** false: refused, which agrees with everything */
  isAccepted: boolean
  /** how another reader takes what we accepted */
  disagreement?: string
}

/** Inputs of one kind, read by us and by others. */
export type Family = {
  /** also of its corpus: `corpus/<name>.txt`, a JSON string a line */
  name: string
  generate(random: Random): string
  /** @param input text; of byte families each character is one byte */
  check(input: string): Outcome | Promise<Outcome>
}

export const REFUSED: Outcome = { isAccepted: false }
export const AGREED: Outcome = { isAccepted: true }

/** What differs, field by field; undefined when nothing does. */
export function difference(
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): string | undefined {
  const differing = Object.keys(ours).filter(
    (key) => JSON.stringify(ours[key]) !== JSON.stringify(theirs[key]),
  )
  if (differing.length === 0) return undefined
  return differing
    .map(
      (key) => `${key}: ours ${JSON.stringify(ours[key])}, theirs ${JSON.stringify(theirs[key])}`,
    )
    .join('; ')
}

export function compare(
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): Outcome {
  const disagreement = difference(ours, theirs)
  return disagreement === undefined ? AGREED : { isAccepted: true, disagreement }
}
