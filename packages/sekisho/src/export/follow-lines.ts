import { MAX_LEAF_BYTES, parseNoteLine } from '@sekisho/verify'

/** Leaves with the checkpoint that seals them, as they stand in a segment. */
export type Group = {
  leaves: readonly { bytes: Buffer; begin: number }[]
  /** the signed note */
  note: string
  /** after the checkpoint's line; `begin` and this count from where the bytes begin */
  end: number
}

const NEWLINE = 0x0a
const LEAF = 0x7b
const CHECKPOINT = 0x22

/**
 * The whole groups that bytes of a segment begin with. What no checkpoint follows yet is left.
 *
 * @throws TypeError for a line that is neither a leaf nor a checkpoint
 */
export function cutGroups(bytes: Buffer): Group[] {
  const groups: Group[] = []
  let leaves: { bytes: Buffer; begin: number }[] = []
  let begin = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, begin)) {
    const line = bytes.subarray(begin, end)
    if (line[0] === LEAF && line.length <= MAX_LEAF_BYTES) leaves.push({ bytes: line, begin })
    else {
      groups.push({ leaves, note: noteOf(line), end: end + 1 })
      leaves = []
    }
    begin = end + 1
  }
  return groups
}

function noteOf(line: Buffer): string {
  const note = line[0] === CHECKPOINT ? parseNoteLine(line) : undefined
  if (note === undefined) throw new TypeError('a line that is neither a leaf nor a checkpoint')
  return note
}
