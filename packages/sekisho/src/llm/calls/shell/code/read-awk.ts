import type { CodeRead } from './read-code.ts'

/** Stands for a string in the program; its number is behind it. */
const MARK = '\uE000'
/** How a string is what a shell runs: all of it, and nothing joined to it. */
const FORMS = [
  /\bsystem\s*\(\s*\uE000(\d+)\uE000\s*\)/g,
  /(?<=(?:^|[({;&!=,\n])\s{0,64})\uE000(\d+)\uE000\s*\|&?\s*getline\b/g,
  /\|&?\s*\uE000(\d+)\uE000(?=\s*(?:[;})\n]|$))/g,
]
/** Behind these a slash begins a pattern (POSIX awk, Lexical Conventions). */
const BEFORE_PATTERN = '({},;!~&|?:=\n'

/**
 * What an awk program has a shell run: by `system`, and by what is piped into or out of. Nothing else
 * of the language starts a program, but for what `@` loads or calls.
 */
export function readAwk(program: string): CodeRead {
  const read = /[@\uE000]/.test(program) ? undefined : masked(program.replaceAll('\\\n', ' '))
  if (read === undefined) return { lines: [], isWhole: false }
  const lines: string[] = []
  const left = FORMS.reduce(
    (rest, form) =>
      rest.replace(form, (_, at: string) => {
        lines.push(unescaped(read.strings[Number(at)] ?? ''))
        return ' 0 '
      }),
    read.text.replaceAll('||', ' '),
  )
  return { lines, isWhole: !/\bsystem\b|\|/.test(left) }
}

type Masked = { text: string; strings: string[] }

/** The program without comments and patterns, and with its strings apart; undefined where that is not sure. */
function masked(program: string): Masked | undefined {
  const strings: string[] = []
  let text = ''
  let before = '\n'
  for (let i = 0; i < program.length; ) {
    const piece = pieceAt(program, i, before)
    if (piece === undefined) return undefined
    const { kind, length } = piece
    const source = program.slice(i, i + length)
    if (kind === 'string') text += `${MARK}${strings.push(source.slice(1, -1)) - 1}${MARK}`
    else text += kind === 'other' ? source : ' 0 '
    if (kind !== 'comment' && !/^[ \t]$/.test(source)) before = kind === 'other' ? source : '0'
    i += length
  }
  return { text, strings }
}

type Piece = { kind: 'string' | 'pattern' | 'comment' | 'other'; length: number }

function pieceAt(program: string, at: number, before: string): Piece | undefined {
  const rest = program.slice(at, at + 4096)
  if (rest.startsWith('"')) return piece('string', /^"(?:[^"\\\n]|\\.)*"/.exec(rest))
  if (rest.startsWith('#')) return piece('comment', /^#[^\n]*/.exec(rest))
  if (!rest.startsWith('/') || !BEFORE_PATTERN.includes(before)) return { kind: 'other', length: 1 }
  // a slash in brackets ends a pattern to some and not to others
  return piece('pattern', /^\/(?:[^/\\\n[]|\\.|\[\^?\]?(?:[^\]/\\\n]|\\.)*\])*\//.exec(rest))
}

function piece(kind: Piece['kind'], found: RegExpExecArray | null): Piece | undefined {
  return found === null ? undefined : { kind, length: found[0].length }
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ n: '\n', t: '\t', r: '\r', a: '', b: '', f: '\n', v: '\n' }),
)

/** @param text between the quotes */
function unescaped(text: string): string {
  return text.replace(/\\(?:[0-7]{1,3}|x[\da-fA-F]{1,2}|.)/gs, (escape) => {
    const code = escape.slice(1)
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255)
    if (/^x./s.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return ESCAPES.get(code) ?? code
  })
}
