import type { Language, Piece } from './language.ts'

/** SMT-LIB 2.6 §3.1 with Unicode escapes: only printable ASCII stands for itself. */
export function stringLiteral(value: string): string {
  const escaped = Array.from(value, (character) => {
    const code = character.codePointAt(0) ?? 0
    if (character === '"') return '""'
    const isPlain = code >= 0x20 && code < 0x7f && character !== '\\'
    return isPlain ? character : `\\u{${code.toString(16)}}`
  })
  return `"${escaped.join('')}"`
}

/** The other way, for what z3 prints. */
export function readStringLiteral(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll('""', '"')
    .replace(
      /\\u(?:\{([0-9a-fA-F]{1,5})\}|([0-9a-fA-F]{4}))/g,
      (_, braced: string, plain: string) =>
        String.fromCodePoint(Number.parseInt(braced ?? plain, 16)),
    )
}

/**
 * That a text is in a language, as the cheapest formula: z3 decides beginnings and ends far faster
 * than regular expressions.
 *
 * @param text a term of sort String, printed
 */
export function matchFormula(text: string, language: Language): string {
  const [first, second, third] = language
  const kinds = language.map(({ kind }) => kind).join(' ')
  const [a, b, c] = [first, second, third].map((piece) => stringLiteral(textOf(piece)))
  switch (kinds) {
    case 'text gap':
      return `(str.prefixof ${a} ${text})`
    case 'gap text':
      return `(str.suffixof ${b} ${text})`
    case 'gap text gap':
      return `(str.contains ${text} ${b})`
    case 'text gap text': {
      const least = lengthOf(textOf(first)) + lengthOf(textOf(third))
      const ends = `(str.prefixof ${a} ${text}) (str.suffixof ${c} ${text})`
      return `(and ${ends} (>= (str.len ${text}) ${least}))`
    }
    case 'text segments':
      return `(or (= ${text} ${a}) (str.prefixof ${stringLiteral(`${textOf(first)}/`)} ${text}))`
    default:
      return `(str.in_re ${text} ${regularExpression(language)})`
  }
}

function regularExpression(language: Language): string {
  const parts = language.map(pieceExpression)
  return parts.length === 1 ? String(parts[0]) : `(re.++ ${parts.join(' ')})`
}

const NO_SLASH = '(re.* (re.union (re.range "\\u{0}" ".") (re.range "0" "\\u{2ffff}")))'

function pieceExpression(piece: Piece): string {
  switch (piece.kind) {
    case 'text':
      return `(str.to_re ${stringLiteral(piece.text)})`
    case 'gap':
      return 're.all'
    case 'segment':
      return NO_SLASH
    case 'segments':
      // any number of `/` each with a segment is nothing, or anything that begins with `/`
      return '(re.opt (re.++ (str.to_re "/") re.all))'
  }
}

function textOf(piece: Piece | undefined): string {
  return piece?.kind === 'text' ? piece.text : ''
}

/** in characters, as SMT-LIB counts */
function lengthOf(text: string): number {
  return Array.from(text).length
}
