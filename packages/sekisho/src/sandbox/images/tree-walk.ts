import { type BigIntStats, lstatSync, readdirSync } from 'node:fs'
import { setImmediate as pause } from 'node:timers/promises'
import { SekishoError } from '../../core/error.ts'

export type TreeEntry = {
  /** host path, in the bytes that the file system has */
  path: Buffer
  /** below the root, starting with `/`; a name that is not UTF-8 is shown in hexadecimal */
  name: string
  status: BigIntStats
}

const MAX_ENTRIES = 4_000_000
const MAX_DEPTH = 256
/** Entries between two chances for everything else in this process to run. */
const STRIDE = 256

/**
 * Visits a tree that nobody else changes: each directory, then what is in it in byte order. Links
 * are entries and nothing more.
 *
 * @throws SekishoError ROOTFS_INVALID for a tree beyond all bounds
 */
export async function walkTree(root: string, visit: (entry: TreeEntry) => void): Promise<number> {
  let count = 0
  const pending = [{ path: Buffer.from(root), name: '', depth: 0 }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, name, depth } = next
    count += 1
    if (count > MAX_ENTRIES || depth > MAX_DEPTH) {
      throw new SekishoError('ROOTFS_INVALID', 'the tree has too many or too deep directories')
    }
    if (count % STRIDE === 0) await pause()
    const status = lstatSync(path, { bigint: true })
    visit({ path, name: name === '' ? '/' : name, status })
    if (!status.isDirectory()) continue
    const names = readdirSync(path, { encoding: 'buffer' }).sort((a, b) => b.compare(a))
    for (const child of names) {
      pending.push({
        path: Buffer.concat([path, Buffer.from('/'), child]),
        name: `${name}/${shown(child)}`,
        depth: depth + 1,
      })
    }
  }
  return count
}

function shown(name: Buffer): string {
  const text = name.toString()
  return Buffer.from(text).equals(name) ? text : `\0${name.toString('hex')}`
}
