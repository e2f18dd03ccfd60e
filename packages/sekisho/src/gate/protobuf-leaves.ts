const MAX_DEPTH = 16
const MAX_LEAVES = 16_384
/** All leaves together may be so many times their message. */
const MAX_GROWTH = 4

const VARINT = 0
const FIXED_64 = 1
const LENGTH_DELIMITED = 2
const GROUP_START = 3
const GROUP_END = 4
const FIXED_32 = 5

export type Leaf = {
  bytes: Buffer
  /** no message with leaves of its own */
  isInnermost: boolean
}

type Found = { leaves: Leaf[]; room: number }

/**
 * The strings and bytes of a protobuf message, without its schema: each stands between tags and
 * lengths that may look like letters of it. Empty when the bytes are no protobuf message.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
export function protobufLeaves(message: Buffer): readonly Leaf[] {
  const found: Found = { leaves: [], room: message.length * MAX_GROWTH }
  return walk(message, 0, found) ? found.leaves : []
}

/** false when it is no message; what has been found until then does not count */
function walk(message: Buffer, depth: number, found: Found): boolean {
  const before = { leaves: found.leaves.length, room: found.room }
  let at = 0
  while (at < message.length) {
    const next = readField(message, at, { depth, found })
    if (next === undefined) {
      found.leaves.length = before.leaves
      found.room = before.room
      return false
    }
    at = next
  }
  return true
}

function readField(
  message: Buffer,
  from: number,
  within: { depth: number; found: Found },
): number | undefined {
  const tag = readVarint(message, from)
  if (tag === undefined || tag.value < 8) return undefined
  const type = tag.value & 7
  if (type !== LENGTH_DELIMITED) return skip(message, tag.end, type)
  const length = readVarint(message, tag.end)
  if (length === undefined) return undefined
  const end = length.end + length.value
  if (end > message.length) return undefined
  add(message.subarray(length.end, end), within)
  return end
}

/** What may be a message too is taken for both, the innermost first: only the schema would tell. */
function add(bytes: Buffer, { depth, found }: { depth: number; found: Found }): void {
  const { length: before } = found.leaves
  if (depth < MAX_DEPTH) walk(bytes, depth + 1, found)
  if (bytes.length === 0 || bytes.length > found.room || found.leaves.length >= MAX_LEAVES) return
  found.room -= bytes.length
  found.leaves.push({ bytes, isInnermost: found.leaves.length === before })
}

function skip(message: Buffer, from: number, type: number): number | undefined {
  if (type === VARINT) return readVarint(message, from)?.end
  if (type === GROUP_START || type === GROUP_END) return from
  const end = type === FIXED_64 ? from + 8 : type === FIXED_32 ? from + 4 : Number.POSITIVE_INFINITY
  return end > message.length ? undefined : end
}

/** Its value modulo 2^32; a length or a tag is never more. */
function readVarint(message: Buffer, from: number): { value: number; end: number } | undefined {
  let value = 0
  for (let index = 0; index < 10; index += 1) {
    const byte = message[from + index]
    if (byte === undefined) return undefined
    if (index < 5) value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value: value % 2 ** 32, end: from + index + 1 }
  }
  return undefined
}
