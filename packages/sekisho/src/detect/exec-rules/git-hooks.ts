import { isShell } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'

const HOOK_FILE =
  /(?:^|\/)(?:\.git\/(?:modules\/.{1,200}\/)?hooks|\.githooks|\.husky)\/(?!.*\.sample$)[^/]+$/
const HOOK_PLACE = /(?:^|[\s=:'"/])\.git\/(?:hooks(?:\/|$)|config$)/
const WRITES_HOOK = />\s{0,4}\S{0,200}\.git\/hooks\//
const WRITERS: ReadonlySet<string> = new Set([
  'cp',
  'mv',
  'ln',
  'install',
  'tee',
  'rsync',
  'dd',
  'touch',
])

export const GIT_HOOK_RULES: readonly ExecRule[] = [
  {
    name: 'git-hook-run',
    severity: 'medium',
    reason: 'git runs a file of the repository by itself',
    matches: ({ path, args, program, isInterpreter }) =>
      !isInterpreter &&
      (HOOK_FILE.test(path) ||
        (isShell(program) && HOOK_FILE.test(args.find((arg) => !arg.startsWith('-')) ?? ''))),
  },
  {
    name: 'git-hook-written',
    severity: 'medium',
    reason: 'what is put there runs at the next commit, on the machine of whoever takes it over',
    matches: (view) => writes(view) || setsHooksPath(view),
  },
]

function writes({ program, args, scripts }: ExecView): boolean {
  if (isShell(program)) return scripts.some((script) => WRITES_HOOK.test(script))
  if (program === 'chmod') return args.some((arg) => HOOK_FILE.test(arg))
  return WRITERS.has(program) && HOOK_PLACE.test(args.at(-1) ?? '')
}

function setsHooksPath({ program, args }: ExecView): boolean {
  if (program !== 'git') return false
  const at = args.findIndex((arg) =>
    /^core\.(?:hooksPath|fsmonitor|sshCommand|pager|editor)(?:=|$)/i.test(arg),
  )
  if (at === -1) return false
  const value = /=(.*)$/.exec(args[at] ?? '')?.[1] ?? args[at + 1]
  return (
    value !== undefined &&
    /^core\.hooksPath|^core\.fsmonitor|^core\.sshCommand/i.test(args[at] ?? '') &&
    !/^(?:false|\/dev\/null|)$/.test(value)
  )
}
