import { suggest } from './nearest.ts'
import { describePath, type Problem, printable } from './problem.ts'

/** What the other files of a bundle name. */
export type Known = {
  agents: readonly string[]
  users: readonly string[]
  operations: readonly string[]
  /** of the agent files, those that allow */
  rules: readonly string[]
}

/** A name that nothing has: whatever speaks of it speaks of nothing. */
export function explainUnknown(
  path: readonly PropertyKey[],
  name: string | null | undefined,
  { what, known }: { what: string; known: readonly string[] },
): readonly Problem[] {
  if (name === null || name === undefined || known.includes(name)) return []
  const message = `${describePath(path)}: there is no ${what} \`${printable(name)}\``
  const all = known.length === 0 ? 'the bundle has none' : undefined
  return [{ path, at: 'value', message, hint: suggest(name, known, all) }]
}
