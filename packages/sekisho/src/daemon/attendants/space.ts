/** What one file system of a session holds, and what of its limits is left. */
export type SpaceUse = { bytes: number; inodes: number; bytesFree: number; inodesFree: number }

/** A write that needs more than what is left is refused, so the last of it is seldom used up. */
const NEARLY_BYTES = 64 * 1024

/**
 * Which limits are used up. A disk that gives out nothing because the host's own is full is not
 * meant: its session has not reached what it may use.
 */
export function fullnessOf(
  use: SpaceUse,
  limits: { bytes: number; inodes: number },
): { ofBytes: boolean; ofInodes: boolean } {
  const slack = Math.min(NEARLY_BYTES, limits.bytes / 16)
  return {
    ofBytes: use.bytes > limits.bytes - slack,
    ofInodes: use.inodesFree === 0 || use.inodes >= limits.inodes,
  }
}
