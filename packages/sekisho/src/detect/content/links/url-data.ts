/** What one character can say, in bits, by the alphabet of the piece that it stands in. */
const ALPHABETS: readonly (readonly [RegExp, number])[] = [
  [/^\d*$/, Math.log2(10)],
  [/^[0-9a-f]*$/i, 4],
  [/^[a-z]*$/i, Math.log2(26)],
  [/^[0-9a-z]*$/, Math.log2(36)],
]
const ANY_BITS = 6

/** A word of a language is one of some thousands, whatever its length. */
const WORD = /^(?:[a-z]{1,16}|[A-Z][a-z]{1,15}|[A-Z]{1,8}|v?\d{1,4})$/
const WORD_BITS = 11
const WORD_BITS_PER_CHARACTER = 2.5

/** A commit, a digest: one of them in a URL names a thing more often than it carries one. */
const DIGEST = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const DIGEST_BITS = 40

/** A part of a name in front of the domain that could as well be data on its way through DNS. */
const LONG_LABEL = 24

/** More than the URL of a page needs; less than half of most keys. */
export const MAX_URL_DATA_BITS = 200

/**
 * How much a URL can tell the one who serves it, in bits: an upper estimate for random text, which
 * takes words for words. The fragment is not sent.
 */
export function urlDataBits(url: URL): number {
  let bits = 0
  let digests = 0
  const pieces = `${url.pathname}${url.search}${url.username}${url.password}`.split(
    /[/?&=;,:.+_~!@$*()'-]|%[0-9A-Fa-f]{2}/,
  )
  for (const piece of pieces) {
    if (piece === '') continue
    if (DIGEST.test(piece) && digests++ === 0) bits += DIGEST_BITS
    else bits += bitsOf(piece)
  }
  for (const label of url.hostname.split('.').slice(0, -2)) {
    if (label.length > LONG_LABEL) bits += bitsOf(label)
  }
  return bits
}

function bitsOf(piece: string): number {
  if (WORD.test(piece)) return Math.min(WORD_BITS, piece.length * WORD_BITS_PER_CHARACTER)
  const [, each] = ALPHABETS.find(([pattern]) => pattern.test(piece)) ?? [null, ANY_BITS]
  return piece.length * each
}
