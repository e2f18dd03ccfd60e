import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs'
import { parseJson } from '../../core/parse-json.ts'
import { type TreeEntry, walkTree } from './tree-walk.ts'

/** What is known of a tree: enough to name what changed in it, and to see quickly that nothing did. */
export type TreeIndex = {
  /** one line for each entry: kind, mode, size and content */
  lines: readonly string[]
  bytes: number
}

/** Reads the whole tree. Links are indexed by where they lead, files by the digest of their bytes. */
export async function indexTree(root: string): Promise<TreeIndex> {
  const lines: string[] = []
  let bytes = 0
  const buffer = Buffer.alloc(1024 * 1024)
  await walkTree(root, ({ path, name, status }) => {
    const isFile = status.isFile()
    if (isFile) bytes += Number(status.size)
    const content = isFile
      ? digestOf(path, buffer)
      : status.isSymbolicLink()
        ? readlinkSync(path, { encoding: 'buffer' }).toString('hex')
        : ''
    const kind = isFile ? 'f' : status.isSymbolicLink() ? 'l' : status.isDirectory() ? 'd' : 'o'
    const mode = (status.mode & 0o7777n).toString(8)
    const owner = `${status.uid}:${status.gid}`
    lines.push(JSON.stringify([name, kind, mode, owner, isFile ? Number(status.size) : 0, content]))
  })
  return { lines, bytes }
}

/**
 * A digest over what the kernel notes of each entry (inode, mode, size, times). Writing, renaming
 * or changing the mode of a file changes its ctime, which only the clock of the machine sets: as
 * long as the digest is the same, so are the files, unless someone with root's rights made it so.
 */
export async function stampTree(root: string): Promise<string> {
  const hash = createHash('sha256')
  await walkTree(root, ({ name, status }: TreeEntry) => {
    const { ino, mode, size, mtimeNs, ctimeNs, uid, gid } = status
    // renaming the tree as a whole into its place is a change of its root alone
    const times = name === '/' ? '' : `${mtimeNs} ${ctimeNs}`
    hash.update(`${JSON.stringify(name)} ${ino} ${mode} ${uid} ${gid} ${size} ${times}\n`)
  })
  return hash.digest('hex')
}

export type TreeDifference = { path: string; change: 'added' | 'removed' | 'changed' }

/** By name, in order. Lines that cannot be read count as changed. */
export function compareIndexes(
  recorded: readonly string[],
  found: readonly string[],
): TreeDifference[] {
  const before = byName(recorded)
  const after = byName(found)
  const differences: TreeDifference[] = []
  for (const [path, line] of before) {
    const now = after.get(path)
    if (now !== line) differences.push({ path, change: now === undefined ? 'removed' : 'changed' })
  }
  for (const path of after.keys()) {
    if (!before.has(path)) differences.push({ path, change: 'added' })
  }
  return differences.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function byName(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [nameOf(line), line]))
}

function nameOf(line: string): string {
  try {
    const entry: unknown = parseJson(line)
    if (Array.isArray(entry) && typeof entry[0] === 'string') return entry[0]
  } catch {
    // a damaged index: the line stands for itself, and is reported as a removed entry
  }
  return line
}

function digestOf(path: Buffer, buffer: Buffer): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const hash = createHash('sha256')
    for (;;) {
      const length = readSync(fd, buffer, 0, buffer.length, null)
      if (length === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, length))
    }
  } finally {
    closeSync(fd)
  }
}
