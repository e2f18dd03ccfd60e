import { baseName, pipelinesOf } from './shell-text.ts'
import type { ExecFacts, ExecView } from './rule.ts'

const SHELL = /^(?:ba|da|z|k|a|mk|fi)?sh$/
const INTERPRETER =
  /^(?:python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|node|nodejs|deno|bun|lua[\d.]*|luajit|tclsh[\d.]*|wish[\d.]*|[gmn]?awk|Rscript|osascript|pwsh)$/
const MULTI_CALL = /^(?:busybox|toybox)(?:-static)?$/
/** Options of interpreters of which the next argument is a script. */
const SCRIPT_OPTION = /^(?:-c|-e|-E|-r|-p|--eval|--print|-[a-z]*[ce])$/

export function isShell(program: string): boolean {
  return SHELL.test(program)
}

/** Programs that run what they are given as text. */
export function isInterpreterName(program: string): boolean {
  return isShell(program) || INTERPRETER.test(program)
}

export function viewOf(facts: ExecFacts): ExecView {
  const ownName = baseName(facts.path)
  const called = baseName(facts.argv[0] ?? '')
  const program = MULTI_CALL.test(ownName) && called !== '' ? called : ownName
  const args = facts.argv.slice(1)
  const scripts = scriptsOf(program, args)
  const pipelines = isShell(program) ? scripts.flatMap(pipelinesOf) : []
  return { ...facts, program, args, pipelines, scripts }
}

function scriptsOf(program: string, args: readonly string[]): string[] {
  if (program.endsWith('awk')) return args.slice(0, 8)
  if (!isInterpreterName(program)) return []
  const at = args.findIndex((arg) => SCRIPT_OPTION.test(arg))
  const before = at === -1 ? args : args.slice(0, at)
  // the first argument that is no option is a file, and everything after it is that file's own
  if (before.some((arg) => !arg.startsWith('-'))) return []
  const script = args[at + 1]
  return at === -1 || script === undefined ? [] : [script]
}
