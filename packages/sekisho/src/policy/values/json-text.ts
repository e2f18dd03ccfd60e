/** What an escape of JSON (RFC 8259 §7) is made of, whole or cut off at the end of a piece. */
const ESCAPE = /\\(?:u([0-9A-Fa-f]{4})|([^u]))/g
const CUT_OFF = /\\(?:u[0-9A-Fa-f]{0,3})?$/

const SHORT: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** A JSON document with the escapes of its texts undone: what people read, not what parsers do. */
export class JsonText {
  #rest = ''

  push(piece: string): string {
    const text = this.#rest + piece
    const cut = cutOff(text)
    this.#rest = text.slice(cut)
    return text.slice(0, cut).replace(ESCAPE, (_, hex: string | undefined, short: string) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16))
      return SHORT[short] ?? short
    })
  }
}

/** An even number of backslashes before the end are escapes of their own. */
function cutOff(text: string): number {
  const at = CUT_OFF.exec(text.slice(-5))?.index
  if (at === undefined) return text.length
  const from = Math.max(0, text.length - 5) + at
  let slashes = 0
  while (text[from - 1 - slashes] === '\\') slashes += 1
  return slashes % 2 === 0 ? from : text.length
}
