/** One command of a shell script: its words, without assignments and wrappers before it. */
export type Command = {
  /** name of its program, without directories */
  program: string
  args: readonly string[]
}

/** What only starts another command. */
const WRAPPERS: ReadonlySet<string> = new Set(
  'sudo doas exec env command builtin time nohup nice eval then do else { ( ! if while until'.split(
    ' ',
  ),
)
const ASSIGNMENT = /^[A-Za-z_]\w*=/
const MAX_COMMANDS = 256

/**
 * The pipelines of a shell script, roughly: quotes and backslashes are kept together, substitutions
 * are not looked into. For alarms; no decision rests on it. Linear in the text.
 */
export function pipelinesOf(script: string): Command[][] {
  const pipelines: Command[][] = []
  let pipeline: Command[] = []
  let count = 0
  for (const { text, end } of commandTexts(script)) {
    const command = commandOf(text)
    if (command !== undefined && count < MAX_COMMANDS) {
      pipeline.push(command)
      count += 1
    }
    if (end === '|') continue
    if (pipeline.length > 0) pipelines.push(pipeline)
    pipeline = []
  }
  return pipelines
}

type Piece = { text: string; end: '|' | ';' }

function commandTexts(script: string): Piece[] {
  const pieces: Piece[] = []
  let start = 0
  const cut = (at: number, length: number, end: Piece['end']): void => {
    pieces.push({ text: script.slice(start, at), end })
    start = at + length
  }
  for (let at = 0; at < script.length; at += 1) {
    const character = script[at] ?? ''
    if (character === '\\') at += 1
    else if (character === "'" || character === '"') at = endOfQuote(script, at)
    else if (character === '|' && script[at + 1] !== '|') {
      cut(at, script[at + 1] === '&' ? 2 : 1, '|')
    } else if (endsCommand(script, at)) cut(at, 1, ';')
    at = Math.max(at, start - 1)
  }
  cut(script.length, 0, ';')
  return pieces
}

/** `;`, a line's end, `&` and `&&` and `||`; not the `&` of a redirection. */
function endsCommand(script: string, at: number): boolean {
  const character = script[at] ?? ''
  if (character !== '&') return ';\n|'.includes(character)
  return !'<>'.includes(script[at - 1] ?? ' ') && script[at + 1] !== '>'
}

function endOfQuote(script: string, at: number): number {
  const end = script.indexOf(script[at] ?? '', at + 1)
  return end === -1 ? script.length : end
}

function commandOf(text: string): Command | undefined {
  const words = wordsOf(text)
  const inner = words.findIndex((word) => !ASSIGNMENT.test(word) && !WRAPPERS.has(word))
  const first = inner === -1 ? words.length - 1 : inner // `env` alone is a command, too
  const program = words[first]
  return program === undefined
    ? undefined
    : { program: baseName(program), args: words.slice(first + 1) }
}

/** Words of a command, without their quotes. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:[^\s'"\\]|\\.|'[^']*(?:'|$)|"[^"]*(?:"|$))+/gs) ?? []
  return words.map((word) => word.replaceAll(/['"\\]/g, ''))
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
