import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { libc } from '../kernel/libc.ts'
import { coverReadOnly, openPlaceBeneath } from '../kernel/read-only-cover.ts'
import { isMissing } from './open-tree.ts'

/**
 * Directories that hold nothing but an agent's configuration: where the user has none, the session
 * gets an empty one that it cannot fill. Git does not show it.
 */
const AGENT_DIRECTORIES: readonly string[] = [
  '.claude',
  '.codex',
  '.cursor',
  '.gemini',
  '.opencode',
]

export type ProtectedAreas = {
  /** of the asked for paths, those that nothing inside can change */
  protected: readonly string[]
  /**
   * those that are not there, or are a link, fifo or the like: they may come to be in the session's
   * layer, where `diff` and `apply` list them apart and no snapshot takes them along
   */
  open: readonly string[]
}

/**
 * Makes paths of a mounted workspace read-only for whoever gets this mount tree, bound recursively.
 *
 * Nothing is to be undone: unmounting the workspace (MNT_DETACH) takes these mounts along.
 *
 * @param options.workspace the overlay's mount point, in the supervisor's own mount namespace
 * @param options.readOnly relative, normal paths
 * @throws SekishoError when a path that is there cannot be made read-only
 */
export function protectWorkspace(options: {
  workspace: string
  readOnly: readonly string[]
}): ProtectedAreas {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  const root = openSync(options.workspace, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    const wanted = [...new Set(options.readOnly)]
    const held = new Set(wanted.filter((path) => protect(root, path)))
    return { protected: [...held], open: wanted.filter((path) => !held.has(path)) }
  } finally {
    closeSync(root)
  }
}

function protect(root: number, path: string): boolean {
  const place = openPlaceBeneath(root, path)
  if (place === undefined) return false
  try {
    const status = fstatSync(place)
    if (!status.isFile() && !status.isDirectory()) return false
    coverReadOnly(place)
    return true
  } finally {
    libc.close(place)
  }
}

/**
 * Makes a directory with the empty agent directories that a user's directory lacks, to be the
 * overlay's topmost *lower* layer: so they leave no trace in the upper one, which is what is diffed.
 * {@link protectWorkspace} then finds them like any other.
 *
 * @param options.into does not exist yet; on any file system, owned by root
 * @returns whether there is anything in it; without, nothing is made
 */
export function makeEmptyAreas(options: {
  /** the user's directory */
  lower: string
  readOnly: readonly string[]
  into: string
}): boolean {
  const { lower, readOnly, into } = options
  const lacking = AGENT_DIRECTORIES.filter(
    (name) => readOnly.includes(name) && !exists(join(lower, name)),
  )
  if (lacking.length === 0) return false
  mkdirSync(into, { mode: 0o755 })
  for (const name of lacking) mkdirSync(join(into, name), { mode: 0o755 })
  return true
}

function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
