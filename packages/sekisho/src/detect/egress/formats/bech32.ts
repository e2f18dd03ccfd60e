const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b_6a_57_b2, 0x26_50_8e_6d, 0x1e_a1_19_fa, 0x3d_42_33_dd, 0x2a_14_62_b3]

/** Does the text end with the checksum of Bech32? @see BIP 173 */
export function isBech32(text: string): boolean {
  const lower = text.toLowerCase()
  const split = lower.lastIndexOf('1')
  const codes = Array.from(lower.slice(0, split), (character) => character.charCodeAt(0))
  const digits = Array.from(lower.slice(split + 1), (character) => ALPHABET.indexOf(character))
  if (split < 1 || digits.length < 6 || digits.includes(-1)) return false
  const human = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
  return checksum([...human, ...digits]) === 1
}

function checksum(values: readonly number[]): number {
  let check = 1
  for (const value of values) {
    const top = check >>> 25
    check = ((check & 0x1_ff_ff_ff) << 5) ^ value
    for (const [bit, factor] of GENERATOR.entries()) if ((top >>> bit) & 1) check ^= factor
  }
  return check
}
