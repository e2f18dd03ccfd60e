import { statfsSync, type StatsFs } from 'node:fs'

/** One file system of a session: what is in use of what it may hold. */
export type Space = {
  bytes: number
  inodes: number
  isFullOfBytes: boolean
  isFullOfInodes: boolean
}

type Figures = Pick<StatsFs, 'bsize' | 'blocks' | 'bfree' | 'bavail' | 'files' | 'ffree'>

/** ext4 keeps a few blocks back that no write gets. */
const NEVER_GIVEN_BLOCKS = 16
/** An image is made of whole blocks and groups. */
const SIZE_SLACK_BYTES = 1024 * 1024

/**
 * @param limitBytes what the file system was made for
 * @returns undefined for one that is larger: it is shared with others, and tells nothing of a session
 * @throws what statfs(2) answers
 */
export function readSpace(path: string, limitBytes: number): Space | undefined {
  return spaceOf(statfsSync(path), limitBytes)
}

export function spaceOf(figures: Figures, limitBytes: number): Space | undefined {
  const { bsize, blocks, bfree, bavail, files, ffree } = figures
  if (blocks * bsize > limitBytes + SIZE_SLACK_BYTES) return undefined
  return {
    bytes: (blocks - bfree) * bsize,
    inodes: files - ffree,
    isFullOfBytes: bavail < Math.min(NEVER_GIVEN_BLOCKS, blocks / 16),
    isFullOfInodes: files > 0 && ffree === 0,
  }
}
