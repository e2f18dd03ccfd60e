import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runJailed } from './jail.ts'

const UMOCI = '/usr/bin/umoci'
const TIMEOUT_MS = 30 * 60_000

export type UnpackRequest = {
  /** an OCI layout with one image, verified, of the same user */
  layout: string
  /** of root's alone, for the jail and the tree */
  directory: string
  /** for umoci: owns nothing else */
  uid: number
  keepFree: { path: string; bytes: number }
}

/**
 * Unpacks all layers of an image into one tree, with umoci in a jail. As a user without privilege
 * it can make no device and no file of root's, and a path or link of a layer that leads out of the
 * tree leads into an empty root.
 *
 * @returns the tree, which is umoci's user's still
 * @throws SekishoError DEPENDENCY_MISSING, TIMEOUT, ROOTFS_INVALID with what umoci said
 */
export async function unpackImage({
  layout,
  directory,
  uid,
  keepFree,
}: UnpackRequest): Promise<string> {
  const out = join(directory, 'unpacked')
  mkdirSync(out, { mode: 0o700 })
  chownSync(out, uid, uid)
  await runJailed({
    directory: join(directory, 'jail'),
    uid,
    command: [UMOCI, 'raw', 'unpack', '--rootless', '--image', '/layout:image', '/out/root'],
    binds: [
      { source: layout, name: 'layout', isWritable: false },
      { source: out, name: 'out', isWritable: true },
    ],
    environment: { HOME: '/out' },
    network: 'none',
    readsAll: false,
    timeoutMs: TIMEOUT_MS,
    keepFree,
  })
  return join(out, 'root')
}
