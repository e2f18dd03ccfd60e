import type { Redirection, SyntaxNode, WordPart } from 'unbash'
import type { SeenWord } from '../../../detect/commands/seen-command.ts'
import { programOfWord } from './program-word.ts'

/** Which shell reads a line: bash, or whatever is `sh` there, such as dash. */
export type ShellLanguage = 'bash' | 'sh'

/** Read lines as bash does, as far as it matters which commands they run. */
const LIKE_BASH = /^(?:bash|rbash|zsh|ksh|mksh)$/
/** Run lines in the shell that reads them. */
const ITSELF = /^(?:eval|trap|alias|source|\.|builtin|command|exec)$/

/** The language of lines that this command runs; undefined for that of the line it stands in. */
export function languageOf(words: readonly SeenWord[]): ShellLanguage | undefined {
  const program = programOfWord(words[0])
  if (ITSELF.test(program)) return undefined
  return LIKE_BASH.test(program) ? 'bash' : 'sh'
}

/**
 * `[[ a || rm x ]]` is a condition to bash. To a shell that does not know `[[` it is a command `[[`
 * and then `rm`. So it is with all that POSIX does not have (POSIX.1-2024, Shell Command Language).
 */
const FOR_BASH: ReadonlySet<string> = new Set([
  'TestCommand',
  'ArithmeticCommand',
  'ArithmeticFor',
  'Select',
  'Coproc',
])

export function isForBash(node: SyntaxNode): boolean {
  if (node.type === 'Pipeline') return node.operators.includes('|&')
  return FOR_BASH.has(node.type)
}

const PART_FOR_BASH: ReadonlySet<string> = new Set([
  'AnsiCQuoted',
  'LocaleString',
  'ProcessSubstitution',
  'ExtendedGlob',
])
/** `$[1 + 1]`, `${ command; }`, and expansions with operators of bash. */
const EXPANSION_FOR_BASH = /^\$(?:\[|\{[\s|!]|\{[^}:]*[/^,@]|\{[^}:]*:[^-=?+])/

export function hasPartForBash(parts: readonly WordPart[]): boolean {
  return parts.some((part) => {
    if (PART_FOR_BASH.has(part.type) || EXPANSION_FOR_BASH.test(part.text)) return true
    return part.type === 'DoubleQuoted' && hasPartForBash(part.parts)
  })
}

export function isRedirectForBash(redirect: Redirection): boolean {
  return redirect.type === 'HereString' || redirect.operator.startsWith('&')
}
