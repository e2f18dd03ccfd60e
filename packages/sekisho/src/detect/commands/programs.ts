import { argumentsOf, programOf, type SeenCommand } from './seen-command.ts'

const SHELL = /^(?:ba|da|z|k|a|mk|fi|hu|rba)?sh$/
const INTERPRETER =
  /^(?:python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|node|nodejs|deno|bun|lua[\d.]*|luajit|tclsh[\d.]*|Rscript|osascript|pwsh)$/
/** Options of interpreters of which the next word is code, or that make a module or file of it. */
const GIVEN_CODE = /^(?:-[a-zA-Z]*[ceEmnpr]|--eval|--print|--command|-File)$/
const FETCHER = /^(?:curl|wget|wget2|aria2c|fetch|http|https|xh|lwp-download|lwp-request|GET)$/

export function isShell(program: string): boolean {
  return SHELL.test(program)
}

/** Of scripts, beside shells. */
export function isInterpreter(program: string): boolean {
  return INTERPRETER.test(program)
}

export function isFetcher(program: string): boolean {
  return FETCHER.test(program)
}

/** An interpreter that is told to read its program from standard input. */
export function readsProgram(command: SeenCommand): boolean {
  const program = programOf(command)
  const args = argumentsOf(command)
  if (isShell(program)) {
    return args.includes('-s') || args.every((arg) => /^[-+]/.test(arg) && !/^-[a-z]*c/.test(arg))
  }
  if (!isInterpreter(program)) return false
  return args.includes('-') || args.every((arg) => arg.startsWith('-') && !GIVEN_CODE.test(arg))
}

/** The code that an interpreter has on its command line, and what it is given to read as a program. */
export function codeOf(command: SeenCommand): string[] {
  const program = programOf(command)
  if (/^[gmn]?awk$/.test(program)) return argumentsOf(command)
  if (!isInterpreter(program)) return []
  const args = argumentsOf(command)
  const given = args.filter((_, i) => GIVEN_CODE.test(args[i - 1] ?? ''))
  const input = readsProgram(command) ? (command.input?.text ?? '') : ''
  return input === '' ? given : [...given, input]
}

/** The file that an interpreter, or `source`, runs; undefined where it runs none. */
export function scriptFileOf(command: SeenCommand): string | undefined {
  const program = programOf(command)
  const args = argumentsOf(command)
  if (program === 'source' || program === '.') return args[0]
  if (!isShell(program) && !isInterpreter(program)) return undefined
  const [first] = args
  if (first !== undefined && GIVEN_CODE.test(first)) return undefined
  return args.find((arg) => !arg.startsWith('-'))
}
