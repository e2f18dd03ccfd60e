import type { Random } from './random.ts'

/** Numbers at which lengths and counters break. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff] as const

/**
 * A few changes to bytes that a reader takes: it gets further than with noise. What it returns may
 * be as long as 64 KiB.
 */
export function mutateBytes(random: Random, good: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(good)
  for (let left = 1 + random.below(4); left > 0; left--) bytes = changeOnce(random, bytes)
  return bytes.length > 65_536 ? bytes.subarray(0, 65_536) : bytes
}

function changeOnce(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return random.bytes(1 + random.below(8))
  const at = random.below(bytes.length)
  const length = Math.min(random.below(16), bytes.length - at)
  const change = random.pick([set, set, edge, cut, repeat, insert, truncate, swap])
  return change({ random, bytes, at, length })
}

type Change = { random: Random; bytes: Buffer; at: number; length: number }

function set({ random, bytes, at }: Change): Buffer {
  bytes[at] = random.below(256)
  return bytes
}

function edge({ random, bytes, at }: Change): Buffer {
  bytes[at] = random.pick(EDGES)
  if (random.once(2) && at + 1 < bytes.length) bytes[at + 1] = random.pick(EDGES)
  return bytes
}

function cut({ bytes, at, length }: Change): Buffer {
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
}

function repeat({ random, bytes, at, length }: Change): Buffer {
  const piece = bytes.subarray(at, at + length)
  const pieces = Array.from({ length: 1 + random.below(random.once(50) ? 500 : 3) }, () => piece)
  return Buffer.concat([bytes.subarray(0, at), ...pieces, bytes.subarray(at)])
}

function insert({ random, bytes, at, length }: Change): Buffer {
  return Buffer.concat([bytes.subarray(0, at), random.bytes(length), bytes.subarray(at)])
}

function truncate({ bytes, at }: Change): Buffer {
  return bytes.subarray(0, at)
}

function swap({ random, bytes, at, length }: Change): Buffer {
  const to = random.below(bytes.length)
  const piece = Buffer.from(bytes.subarray(at, at + length))
  piece.copy(bytes, Math.min(to, bytes.length - piece.length))
  return bytes
}
