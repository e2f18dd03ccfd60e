import { isInterpreterName, isShell } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'
import type { Command } from './shell-text.ts'

const FETCHERS: ReadonlySet<string> = new Set(['curl', 'wget', 'fetch', 'aria2c', 'http', 'https'])
const FETCH_INSIDE = /(?:\$\(|<\(|`)\s{0,4}(?:curl|wget)\b/
const EVAL_FETCHED =
  /\b(?:exec|eval)\s*\(.{0,200}\b(?:urlopen|requests\.get|fetch|http\.get|open-uri)\b/s
const PLAIN_OR_NUMERIC = /\bhttp:\/\/(?!localhost\b|127\.)|\bhttps:\/\/\d{1,3}(?:\.\d{1,3}){3}\b/
const DECODES_BASE64 = /^(?:-[a-zA-Z]*[dD]|--decode)$/
const EVAL_DECODED =
  /\b(?:exec|eval|system)\s*\(.{0,120}\b(?:b64decode|a85decode|atob|base64_decode|unhexlify|fromhex|decompress|Buffer\.from)\b/s
const DECODE_INSIDE = /(?:\$\(|<\(|`)[^)`]{0,400}\bbase64\s{1,4}(?:-d|-D|--decode)\b/

export const FETCHED_CODE_RULES: readonly ExecRule[] = [
  {
    name: 'encoded-script',
    severity: 'high',
    reason: 'a script that is encoded so that nobody reads it on its way into an interpreter',
    matches: (view) => runsWhat(view, decodes) || hidesScript(view),
  },
  {
    name: 'download-and-run-unsafe',
    severity: 'high',
    reason: 'code from an address without a name, or over a connection that anybody can change',
    matches: (view) => fetchesAndRuns(view) && view.scripts.some((s) => PLAIN_OR_NUMERIC.test(s)),
  },
  {
    name: 'download-and-run',
    severity: 'medium',
    reason: 'code that runs without having been looked at',
    matches: (view) => fetchesAndRuns(view) && !view.scripts.some((s) => PLAIN_OR_NUMERIC.test(s)),
  },
]

function fetchesAndRuns(view: ExecView): boolean {
  const { program, scripts } = view
  if (runsWhat(view, ({ program: fetcher }) => FETCHERS.has(fetcher))) return true
  if (isShell(program)) return runsSubstitution(view) || marksExecutable(view)
  return isInterpreterName(program) && scripts.some((script) => EVAL_FETCHED.test(script))
}

/** `sh -c "$(curl …)"`, `eval "$(curl …)"`, `bash <(curl …)`; an argument of anything else is data. */
function runsSubstitution({ program, scripts, pipelines }: ExecView): boolean {
  if (!isShell(program) || !scripts.some((script) => FETCH_INSIDE.test(script))) return false
  if (scripts.some((script) => /^\s{0,8}(?:\$\(|`)/.test(script))) return true
  return (
    scripts.some((script) => /\beval\s/.test(script)) ||
    pipelines
      .flat()
      .some(({ program: inner, args }) => isShell(inner) && FETCH_INSIDE.test(args.join(' ')))
  )
}

/** Fetches a file, makes it a program and starts it, in one script. */
function marksExecutable({ pipelines }: ExecView): boolean {
  const commands = pipelines.flat()
  const fetched = commands.findIndex(({ program }) => FETCHERS.has(program))
  if (fetched === -1) return false
  const marked = commands.find(
    ({ program, args }, i) =>
      i > fetched && program === 'chmod' && /^(?:[ugoa]*\+r?w?x|7\d\d|0?755)$/.test(args[0] ?? ''),
  )
  const file = marked?.args[1]
  if (file === undefined) return false
  const name = file.slice(file.lastIndexOf('/') + 1)
  return commands.some(
    ({ program }, i) =>
      i > commands.indexOf(marked ?? { program: '', args: [] }) && program === name,
  )
}

/** A pipeline in which what one command gives is an interpreter's program. */
function runsWhat({ pipelines }: ExecView, gives: (command: Command) => boolean): boolean {
  return pipelines.some((commands) => {
    const from = commands.findIndex(gives)
    return from !== -1 && commands.some((command, i) => i > from && readsProgram(command))
  })
}

/** An interpreter without a file or a script of its own takes its input for its program. */
function readsProgram({ program, args }: Command): boolean {
  if (!isInterpreterName(program) || program.endsWith('awk')) return false
  if (isShell(program)) return !args.includes('-c') && (args.includes('-s') || !hasOperand(args))
  return args[0] === '-' || args.length === 0
}

function hasOperand(args: readonly string[]): boolean {
  return args.some((arg) => !/^(?:-|\d?[<>])/.test(arg))
}

function decodes({ program, args }: Command): boolean {
  if (program === 'base64' || program === 'base32') return args.some((a) => DECODES_BASE64.test(a))
  if (program === 'xxd') return args.some((arg) => /^-[a-z]*r/.test(arg))
  if (program !== 'openssl') return false
  return (args[0] === 'enc' || args[0] === 'base64') && args.includes('-d')
}

function hidesScript({ program, scripts }: ExecView): boolean {
  if (!isShell(program)) {
    return isInterpreterName(program) && scripts.some((script) => EVAL_DECODED.test(script))
  }
  return scripts.some(
    (script) => DECODE_INSIDE.test(script) && /\beval\s|\b(?:ba|da|z)?sh\s+(?:-c|<)/.test(script),
  )
}
