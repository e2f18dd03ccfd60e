/** So many different pieces of URLs are remembered; beyond, each is taken for new. */
const MAX_PIECES = 8192
/** A longer piece is never remembered: it costs its full price each time. */
const MAX_PIECE = 128

/** Alphabets that a piece may be made of, and what one character of it can say, in bits. */
const ALPHABETS: readonly (readonly [RegExp, number])[] = [
  [/^\d*$/, Math.log2(10)],
  [/^[0-9a-f]*$/, 4],
  [/^[0-9A-F]*$/, 4],
  [/^[a-z]*$/, Math.log2(26)],
  [/^[0-9a-z]*$/, Math.log2(36)],
  [/^[A-Za-z]*$/, Math.log2(52)],
  [/^[0-9A-Za-z]*$/, Math.log2(62)],
  [/^[0-9A-Za-z._~%+-]*$/, 6.2],
]
/** printable ASCII */
const ANY = Math.log2(94)

/** What separators can say by which one stands there, and by ending (together at most one choice). */
const SLASH_BITS = 2
const SEPARATOR_BITS = 3.2
const END_BITS = 4

/**
 * How much a sequence of different URLs can have said to their host, in bits: an upper estimate.
 *
 * A URL is cut at `/ ? & = ; , :`. A piece that no URL before it had costs its length times what a
 * character of its alphabet can say, and eight bits for having that length; a piece that is known
 * costs the choice among those known; separators cost the choice among them. English words are
 * overrated about threefold, random text is rated as it is, and nothing is free. What the order of
 * URLs, or asking for one again, can say is not in it: that is what a bound on requests is for.
 */
export class UrlEntropy {
  readonly #pieces = new Set<string>()

  /** What this URL would add. Changes nothing. */
  estimate(url: string): number {
    const separators = pathOf(url).match(/[/?&=;,:]/g) ?? []
    let bits = END_BITS
    for (const separator of separators) bits += separator === '/' ? SLASH_BITS : SEPARATOR_BITS
    for (const piece of piecesOf(url)) bits += this.#priceOf(piece)
    return bits
  }

  /** From now on its pieces are known. */
  remember(url: string): void {
    for (const piece of piecesOf(url)) {
      if (piece.length <= MAX_PIECE && this.#pieces.size < MAX_PIECES) this.#pieces.add(piece)
    }
  }

  #priceOf(piece: string): number {
    const choice = Math.log2(this.#pieces.size + 1)
    const full = 8 + piece.length * bitsPerCharacter(piece)
    // The choice among thousands can cost more than saying a short piece anew.
    return this.#pieces.has(piece) ? Math.min(choice, full) : full
  }
}

function bitsPerCharacter(piece: string): number {
  return ALPHABETS.find(([pattern]) => pattern.test(piece))?.[1] ?? ANY
}

/** Of path and query; scheme and host are the destination's own. */
function piecesOf(url: string): string[] {
  return pathOf(url)
    .split(/[/?&=;,:]/)
    .filter((piece) => piece !== '')
}

function pathOf(url: string): string {
  return url.slice(url.indexOf('/', url.indexOf('://') + 3))
}
