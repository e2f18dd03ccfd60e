/** SHA-256 and SHA-512 (FIPS 180-4) where there is no Node. */

/** The words a to h that a hash goes on with from block to block. */
type Eight<T> = [T, T, T, T, T, T, T, T]

const WORD = 2n ** 64n
const PRIMES = firstPrimes(80)
/** The first 64 bits of the fractional parts of the primes' cube roots (§4.2.3). */
const K512 = PRIMES.map((prime) => rootOf(prime, 3n))
/** …and of the square roots of the first eight (§5.3.5). */
const H512: Eight<bigint> = eight(PRIMES, (prime) => rootOf(prime, 2n))
/** SHA-256 has the first 32 bits of each (§4.2.2, §5.3.3). */
const K256 = Int32Array.from(K512.slice(0, 64), (word) => Number(word >> 32n))
const H256: Eight<number> = eight(H512, (word) => Number(word >> 32n) | 0)

export function sha256(message: Uint8Array): Uint8Array {
  const bytes = padded(message, 64)
  const view = new DataView(bytes.buffer)
  let state = H256
  const schedule = new Int32Array(64)
  for (let at = 0; at < bytes.length; at += 64) {
    for (let t = 0; t < 16; t += 1) schedule[t] = view.getInt32(at + t * 4)
    extend256(schedule)
    state = compress256(state, schedule)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (const [i, word] of state.entries()) digest.setInt32(i * 4, word)
  return new Uint8Array(digest.buffer)
}

function extend256(w: Int32Array): void {
  for (let t = 16; t < 64; t += 1) {
    const a = at(w, t - 15)
    const b = at(w, t - 2)
    const small0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
    const small1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
    w[t] = (at(w, t - 16) + small0 + at(w, t - 7) + small1) | 0
  }
}

/** §6.2.2, step 3 and 4. */
function compress256(state: Eight<number>, w: Int32Array): Eight<number> {
  let [a, b, c, d, e, f, g, h] = state
  for (let t = 0; t < 64; t += 1) {
    const big1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    const first = (h + big1 + ((e & f) ^ (~e & g)) + at(K256, t) + at(w, t)) | 0
    const big0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  return eight(state, (word, i) => (word + ([a, b, c, d, e, f, g, h][i] ?? 0)) | 0)
}

/** By whole numbers of 64 bits: it hashes a few hundred bytes for Ed25519, and no more. */
export function sha512(message: Uint8Array): Uint8Array {
  const bytes = padded(message, 128)
  const view = new DataView(bytes.buffer)
  let state = H512
  for (let start = 0; start < bytes.length; start += 128) {
    const schedule = Array.from({ length: 16 }, (_, t) => view.getBigUint64(start + t * 8))
    state = compress512(state, extend512(schedule))
  }
  const digest = new DataView(new ArrayBuffer(64))
  for (const [i, word] of state.entries()) digest.setBigUint64(i * 8, word)
  return new Uint8Array(digest.buffer)
}

function extend512(w: bigint[]): bigint[] {
  for (let t = 16; t < 80; t += 1) {
    const [a = 0n, b = 0n, c = 0n, d = 0n] = [w[t - 15], w[t - 2], w[t - 16], w[t - 7]]
    const small0 = rotate64(a, 1n) ^ rotate64(a, 8n) ^ (a >> 7n)
    const small1 = rotate64(b, 19n) ^ rotate64(b, 61n) ^ (b >> 6n)
    w.push((c + small0 + d + small1) % WORD)
  }
  return w
}

/** §6.4.2, step 3 and 4. */
function compress512(state: Eight<bigint>, w: readonly bigint[]): Eight<bigint> {
  let [a, b, c, d, e, f, g, h] = state
  for (const [t, word] of w.entries()) {
    const big1 = rotate64(e, 14n) ^ rotate64(e, 18n) ^ rotate64(e, 41n)
    const first = h + big1 + ((e & f) ^ ((WORD - 1n - e) & g)) + (K512[t] ?? 0n) + word
    const big0 = rotate64(a, 28n) ^ rotate64(a, 34n) ^ rotate64(a, 39n)
    const second = big0 + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + first) % WORD
    d = c
    c = b
    b = a
    a = (first + second) % WORD
  }
  return eight(state, (word, i) => (word + ([a, b, c, d, e, f, g, h][i] ?? 0n)) % WORD)
}

/** §5.1: a one, zeroes, and the length in bits at the end of a block. */
function padded(message: Uint8Array, blockBytes: 64 | 128): Uint8Array<ArrayBuffer> {
  const lengthBytes = blockBytes / 8
  const blocks = Math.ceil((message.length + 1 + lengthBytes) / blockBytes)
  const bytes = new Uint8Array(blocks * blockBytes)
  bytes.set(message)
  bytes[message.length] = 0x80
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(message.length) * 8n)
  return bytes
}

function eight<T, U>(words: readonly T[], of: (word: T, i: number) => U): Eight<U> {
  const word = (i: number): U => {
    const found = words[i]
    if (found === undefined) throw new RangeError('want eight words')
    return of(found, i)
  }
  return [word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)]
}

function at(words: Int32Array, i: number): number {
  return words[i] ?? 0
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}

function rotate64(word: bigint, by: bigint): bigint {
  return ((word >> by) | (word << (64n - by))) % WORD
}

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = []
  for (let n = 2n; primes.length < count; n += 1n) {
    if (primes.every((prime) => n % prime !== 0n)) primes.push(n)
  }
  return primes
}

/** 64 bits of the fractional part of the root of a prime. */
function rootOf(prime: bigint, degree: 2n | 3n): bigint {
  const scaled = prime << (64n * degree)
  let low = 0n
  let high = 1n << 70n
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (middle ** degree <= scaled) low = middle
    else high = middle
  }
  return low % WORD
}
