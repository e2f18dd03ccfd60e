import { statfsSync, type StatsFs } from 'node:fs'

/** One file system of a session: what is in use of what it may hold. */
export type Space = {
  bytes: number
  inodes: number
  isFullOfBytes: boolean
  isFullOfInodes: boolean
}

type Figures = Pick<StatsFs, 'bsize' | 'blocks' | 'bfree' | 'bavail' | 'ffree'>

/** What the file system was made for. Its own figures are larger: it has tables, and room for itself. */
export type SpaceLimits = { bytes: number; inodes: number }

/** ext4 keeps a few blocks back that no write gets. */
const NEVER_GIVEN_BLOCKS = 16
/** What directories and the like take beside contents. */
const SLACK_BYTES = 1024 * 1024

/**
 * @returns undefined for one that is larger: it is shared with others, and tells nothing of a session
 * @throws what statfs(2) answers
 */
export function readSpace(path: string, limits: SpaceLimits): Space | undefined {
  return spaceOf(statfsSync(path), limits)
}

export function spaceOf(figures: Figures, limits: SpaceLimits): Space | undefined {
  const { bsize, blocks, bfree, bavail, ffree } = figures
  const bytes = (blocks - bfree) * bsize
  if (bytes > limits.bytes + SLACK_BYTES || bavail * bsize > limits.bytes) return undefined
  const nothingLeft = bavail < Math.min(NEVER_GIVEN_BLOCKS, blocks / 16)
  // a disk can also have nothing to give because the host has not
  const isNearLimit = bytes >= limits.bytes - Math.min(SLACK_BYTES, limits.bytes / 8)
  return {
    bytes,
    inodes: Math.max(0, limits.inodes - ffree),
    isFullOfBytes: nothingLeft && isNearLimit,
    isFullOfInodes: ffree === 0,
  }
}
