/**
 * Sets of texts: what a pattern of `like`, a path glob or a host pattern matches. `gap` is any text
 * in between, `segment` any text without `/`, `segments` any number of `/` each with a segment.
 */
export type Language = readonly Piece[]
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'gap' }
  | { readonly kind: 'segment' }
  | { readonly kind: 'segments' }

const GAP: Piece = { kind: 'gap' }

/** @param pattern as Cedar's JSON form has it: literals and wildcards, which span anything */
export function likeLanguage(
  pattern: readonly ('Wildcard' | { readonly Literal: string })[],
): Language {
  return joinTexts(pattern.map((element) => (element === 'Wildcard' ? GAP : text(element.Literal))))
}

/** @param glob as `policy/path-glob.ts` accepts it: `*` within a segment, `/**` any number of them */
export function pathLanguage(glob: string): Language {
  if (glob === '/**') return [text('/'), GAP]
  const pieces = glob.split('/').flatMap((segment, index): Piece[] => {
    if (segment === '**') return [{ kind: 'segments' }]
    const slash = index === 0 ? [] : [text('/')]
    return [...slash, ...segmentPieces(segment)]
  })
  return joinTexts(pieces)
}

/** @param pattern canonical name, or `*.name` for what has at least one character before `.name` */
export function hostLanguage(pattern: string): Language {
  return pattern.startsWith('*.') ? [GAP, text(pattern.slice(1))] : [text(pattern)]
}

/** The same as a regular expression of JavaScript, whole text, also across lines. */
export function languageRegExp(language: Language): RegExp {
  const sources = language.map((piece) => {
    switch (piece.kind) {
      case 'text':
        return piece.text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
      case 'gap':
        return '[^]*'
      case 'segment':
        return '[^/]*'
      case 'segments':
        return '(?:/[^/]*)*'
    }
  })
  return new RegExp(`^${sources.join('')}$`, 'u')
}

function segmentPieces(segment: string): Piece[] {
  return segment
    .split(/\*+/)
    .flatMap((part, index): Piece[] =>
      index === 0 ? [text(part)] : [{ kind: 'segment' }, text(part)],
    )
}

function text(value: string): Piece {
  return { kind: 'text', text: value }
}

/** Neighbouring texts become one, neighbouring gaps too; none is empty. */
function joinTexts(pieces: readonly Piece[]): Language {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const last = joined.at(-1)
    if (piece.kind === 'text' && piece.text === '') continue
    if (piece.kind === 'gap' && last?.kind === 'gap') continue
    if (piece.kind === 'text' && last?.kind === 'text') {
      joined[joined.length - 1] = text(last.text + piece.text)
    } else joined.push(piece)
  }
  return joined
}
