/** As the least strict client reads it: opencode wants no blank behind the colon. */
const HEADER = /^\*\*\*\s*(?:Add File|Update File|Delete File|Move to|Environment ID)\s*:\s*(.*)$/i
const UNIFIED = /^(?:---|\+\+\+) (?:[ab]\/)?([^\t\n]+)/

/**
 * The files that a patch writes, in the grammar of Codex's `apply_patch` (`*** Update File: x`), or
 * in that of diff. Null for a text that is neither: it writes nobody knows what.
 */
export function patchPaths(patch: string): string[] | null {
  const paths = patch.split('\n').flatMap((line) => {
    const [, path] = HEADER.exec(line.trim()) ?? UNIFIED.exec(line) ?? []
    return path === undefined || path === '/dev/null' ? [] : [path.trim()]
  })
  return paths.length === 0 ? null : [...new Set(paths)]
}
