/** SHAKE128 and SHAKE256 (FIPS 202) where there is no Node. */

const ROUNDS = 24
const MASK = 2n ** 64n - 1n

/** What it returns gives the next block of the sponge, without an end: 168 or 136 bytes. */
export function shake(bits: 128 | 256, message: Uint8Array): () => Uint8Array {
  const rateBytes = 200 - bits / 4
  const state = Array.from({ length: 25 }, () => 0n)
  const bytes = padded(message, rateBytes)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < bytes.length; at += rateBytes) {
    for (let lane = 0; lane < rateBytes / 8; lane += 1) {
      state[lane] = laneOf(state, lane) ^ view.getBigUint64(at + lane * 8, true)
    }
    permute(state)
  }
  return () => {
    const block = blockOf(state, rateBytes)
    permute(state)
    return block
  }
}

export function shakeBytes(bits: 128 | 256, message: Uint8Array, length: number): Uint8Array {
  const next = shake(bits, message)
  const digest = new Uint8Array(length)
  let block: Uint8Array
  for (let at = 0; at < length; at += block.length) {
    block = next()
    digest.set(block.subarray(0, length - at), at)
  }
  return digest
}

/** §6.2, §5.1: the suffix 1111 of an extendable output, then 10…01. */
function padded(message: Uint8Array, rateBytes: number): Uint8Array<ArrayBuffer> {
  const blocks = Math.floor(message.length / rateBytes) + 1
  const bytes = new Uint8Array(blocks * rateBytes)
  bytes.set(message)
  bytes[message.length] = 0x1f
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) | 0x80
  return bytes
}

function blockOf(state: readonly bigint[], rateBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(rateBytes))
  for (let lane = 0; lane < rateBytes / 8; lane += 1) {
    view.setBigUint64(lane * 8, laneOf(state, lane), true)
  }
  return new Uint8Array(view.buffer)
}

/** Rotation and target of each lane in ρ and π, one walk over them (§3.2.2, §3.2.3). */
const WALK = walk()
const ROUND_CONSTANTS = Array.from({ length: ROUNDS }, (_, round) => roundConstant(round))

/** Keccak-f[1600], §3.3 */
function permute(state: bigint[]): void {
  for (const constant of ROUND_CONSTANTS) {
    theta(state)
    const moved = [...state]
    for (const { from, to, by } of WALK) moved[to] = rotate(laneOf(state, from), by)
    for (let lane = 0; lane < 25; lane += 1) {
      const row = lane - (lane % 5)
      const [next, second] = [row + ((lane + 1) % 5), row + ((lane + 2) % 5)]
      state[lane] = laneOf(moved, lane) ^ (~laneOf(moved, next) & MASK & laneOf(moved, second))
    }
    state[0] = laneOf(state, 0) ^ constant
  }
}

function theta(state: bigint[]): void {
  const parity = Array.from({ length: 5 }, (_, x) =>
    [0, 5, 10, 15, 20].reduce((sum, row) => sum ^ laneOf(state, row + x), 0n),
  )
  for (let lane = 0; lane < 25; lane += 1) {
    const left = laneOf(parity, (lane + 4) % 5)
    const right = laneOf(parity, (lane + 1) % 5)
    state[lane] = laneOf(state, lane) ^ left ^ rotate(right, 1n)
  }
}

function walk(): { from: number; to: number; by: bigint }[] {
  const steps: { from: number; to: number; by: bigint }[] = []
  let [x, y] = [1, 0]
  for (let t = 0; t < 24; t += 1) {
    const [nextX, nextY] = [y, (2 * x + 3 * y) % 5]
    steps.push({
      from: x + 5 * y,
      to: nextX + 5 * nextY,
      by: BigInt(((t + 1) * (t + 2)) / 2) % 64n,
    })
    ;[x, y] = [nextX, nextY]
  }
  return steps
}

/** The bits 2^j − 1 of a round's constant, from a linear feedback register (§3.2.5). */
function roundConstant(round: number): bigint {
  let constant = 0n
  for (let j = 0n; j <= 6n; j += 1n) {
    if (registerBit(Number(j) + 7 * round)) constant |= 1n << (2n ** j - 1n)
  }
  return constant
}

function registerBit(time: number): boolean {
  let register = 1
  for (let i = 0; i < time % 255; i += 1) {
    register <<= 1
    if (register >= 256) register ^= 0x171
  }
  return register % 2 === 1
}

function rotate(lane: bigint, by: bigint): bigint {
  return ((lane << by) | (lane >> (64n - by))) & MASK
}

function laneOf(lanes: readonly bigint[], i: number): bigint {
  return lanes[i] ?? 0n
}
