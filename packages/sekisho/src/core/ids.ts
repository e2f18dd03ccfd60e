const ALPHABET = '0123456789abcdefghijklmnopqrstuv'

/** Session id from 100 random bits: `s-` and 20 characters of base32hex. Unguessable, file-safe. */
export function sessionIdFrom(random: Uint8Array): string {
  return idFrom('s-', random)
}

/** As a session's, beginning with `q-`. */
export function quarantineIdFrom(random: Uint8Array): string {
  return idFrom('q-', random)
}

/** As a session's, beginning with `h-`. */
export function holdIdFrom(random: Uint8Array): string {
  return idFrom('h-', random)
}

function idFrom(prefix: string, random: Uint8Array): string {
  if (random.length < 20) throw new RangeError('want 20 random bytes')
  let id = prefix
  for (const byte of random.subarray(0, 20)) id += ALPHABET[byte & 31]
  return id
}
