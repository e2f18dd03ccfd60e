import { describePath, type Problem } from './problem.ts'

/** One problem for each item whose key an earlier item of the list has. */
export function explainRepeated<T>(
  list: readonly PropertyKey[],
  field: string,
  { items, keyOf }: { items: readonly T[]; keyOf: (item: T) => string },
): Problem[] {
  return repeated(items, keyOf).map(({ index, key }) => {
    const path = [...list, index, field]
    return {
      path,
      at: 'value',
      message: `${describePath(path)}: \`${key}\` is taken by an earlier entry`,
    }
  })
}

/** The items whose key an earlier item has. */
export function repeated<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): { index: number; key: string }[] {
  const seen = new Set<string>()
  const again: { index: number; key: string }[] = []
  for (const [index, item] of items.entries()) {
    const key = keyOf(item)
    if (seen.has(key)) again.push({ index, key })
    seen.add(key)
  }
  return again
}
