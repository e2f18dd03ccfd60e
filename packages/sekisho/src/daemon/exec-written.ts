import { lstatSync, type BigIntStats } from 'node:fs'
import { join } from 'node:path'
import type { AttemptedFile } from './exec-attempt.ts'

/** Where a session can execute from, and what of it was there before the session. */
export type ExecGround = {
  roots: readonly { inside: string; isWritable: boolean }[]
  /** device of the tmpfs behind /tmp, the home and so on: no path tells where that is mounted */
  scratch: bigint
  /** the workspace, when it is a layer over something: the layers, and its path inside */
  layers: { inside: string; upper: string; lower: string } | null
}

/**
 * `settled`: nothing in the session can change it. `untouched`: it is from before the session, in
 * a place that the session can write to. What is not known to be either was `written`.
 */
export type Origin = 'settled' | 'untouched' | 'written'

/**
 * Where a file comes from.
 *
 * In the workspace it is from before when the layer of changes has nothing at its path and the
 * layer below has this very inode there. One of both alone could be arranged: a file that is
 * renamed to and fro is at no path just when it is looked for.
 */
export function originOf(
  { path, stats, isDeleted }: AttemptedFile,
  { roots, scratch, layers }: ExecGround,
): Origin {
  const root = innermost(roots, path)
  if (isDeleted || stats.dev === scratch || root === undefined) return 'written'
  if (!root.isWritable) return 'settled'
  if (layers?.inside !== root.inside) return 'written'
  return isUntouched({ path, stats }, layers) ? 'untouched' : 'written'
}

/** Whether a workspace's file is still what the layer below has. */
export function isUntouched(
  { path, stats }: { path: string; stats: Pick<BigIntStats, 'ino' | 'size'> },
  layers: NonNullable<ExecGround['layers']>,
): boolean {
  const relative = path.slice(layers.inside.length)
  if (!isAbsent(join(layers.upper, relative))) return false
  const below = lstatSync(join(layers.lower, relative), { bigint: true, throwIfNoEntry: false })
  return below !== undefined && below.isFile() && below.ino === stats.ino
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false // not to be told: it may be there
  }
}

function innermost<Root extends { inside: string }>(
  roots: readonly Root[],
  path: string,
): Root | undefined {
  return roots
    .filter(({ inside }) => inside === '/' || path === inside || path.startsWith(`${inside}/`))
    .toSorted((a, b) => b.inside.length - a.inside.length)[0]
}
