/** So many siblings of one kind make a kind; fewer are named one by one. */
const MIN_SIBLINGS = 3

/** Shapes that say "which one", never "what": numbers, UUIDs, hashes, long tokens with digits. */
const IDENTIFIERS = [
  /^\d+$/,
  /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  /^(?=.*\d)[0-9a-fA-F]{7,64}$/,
  /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{16,64}$/,
]

/** stands for an identifier in a path's shape; no canonical path has it */
const ANY = '\0'

/**
 * Globs for exactly these paths, but that a segment which is an identifier in three or more of
 * them, all else being alike, becomes `*`. Words are never taken for examples of other words.
 *
 * @param paths canonical, without `*`
 * @returns sorted, none twice
 */
export function generalise(paths: Iterable<string>): readonly string[] {
  const shapes = new Map<string, (readonly string[])[]>()
  for (const path of new Set(paths)) {
    const segments = path.split('/')
    const shape = segments.map((s) => (isIdentifier(s) ? ANY : s)).join('/')
    const alike = shapes.get(shape) ?? []
    shapes.set(shape, alike)
    alike.push(segments)
  }
  return [...new Set([...shapes.values()].flatMap(starCommon))].toSorted()
}

/** @param alike paths of one shape */
function starCommon(alike: readonly (readonly string[])[]): string[] {
  const [first = []] = alike
  const isMany = first.map((segment, index) => {
    if (!isIdentifier(segment)) return false
    return new Set(alike.map((segments) => segments[index])).size >= MIN_SIBLINGS
  })
  return alike.map((segments) =>
    segments.map((segment, index) => (isMany[index] === true ? '*' : segment)).join('/'),
  )
}

export function isIdentifier(segment: string): boolean {
  return IDENTIFIERS.some((pattern) => pattern.test(segment))
}
