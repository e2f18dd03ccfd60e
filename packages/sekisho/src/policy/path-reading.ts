import { type SplitPath, splitPath } from './path-glob.ts'

/**
 * A server may read even a canonical path loosely: decode `%2F`, drop `;parameters`, merge
 * slashes. A rule must not be got around by that, so a path is matched as it stands and as the
 * loosest server would read it: an allow rule must match both, a deny rule either.
 */
export type PathReading = { exact: SplitPath; loose: SplitPath }

const LOOSE = /[%\\;]|\/\//

/**
 * undefined when a loose server would see `.` or `..` segments: such a path fits no rule. A
 * canonical path has none; this holds also when its reader has a fault.
 */
export function readPath(path: string): PathReading | undefined {
  const loose = loosenPath(path)
  if (hasDotSegment(loose)) return undefined
  // `%252e` is a dot only to a server that decodes twice; some do.
  if (loose.includes('%') && hasDotSegment(loosenPath(loose))) return undefined
  const exact = splitPath(path)
  return { exact, loose: loose === path ? exact : splitPath(loose) }
}

/** Also for globs: `*` and `/` keep their meaning. */
export function loosenPath(path: string): string {
  if (!LOOSE.test(path)) return path
  return path
    .replace(/%([2-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
}

function hasDotSegment(path: string): boolean {
  return path.includes('/.') && /\/\.{1,2}(?:\/|$)/.test(path)
}
