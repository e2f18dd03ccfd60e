import { isInterpreterName } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'

/** Programs of a distribution, or of an image: nobody in the session has written them. */
const SYSTEM = /^\/(?:usr|bin|sbin|lib|lib64|opt)\//
const LOADER = /^ld(?:-linux[-\w]*|-musl-[-\w]+|-\d[\d.]*)?\.so(?:\.\d+)*$/
/** Options of the loader that take the next argument, and those with which it runs nothing. */
const LOADER_VALUES =
  /^--(?:library-path|inhibit-rpath|audit|preload|argv0|glibc-hwcaps-(?:mask|prepend))$/
const LOADER_ASKS = /^--(?:list(?:-\w+)*|verify|help|version)$/
const PRELOADS = /^LD_(?:PRELOAD|AUDIT)=(?!\/(?:usr|lib|lib64|opt)\/)./

export const PROGRAM_RULES: readonly ExecRule[] = [
  {
    name: 'deleted-program',
    severity: 'high',
    reason: 'a program that was deleted, or never had a name, so that nobody can look at it',
    matches: ({ isDeleted, path }) => isDeleted || path.startsWith('/memfd:'),
  },
  {
    name: 'loader-by-hand',
    severity: 'high',
    reason: 'the dynamic loader starts a file without an exec of that file',
    matches: (view) => loaded(view) === 'elsewhere' && view.caller.path !== '/usr/bin/ldd',
  },
  {
    name: 'loader-by-hand-system',
    severity: 'medium',
    reason: 'the dynamic loader is called by name; builds have `ldd` for that',
    matches: (view) =>
      loaded(view) === 'system' ||
      (loaded(view) === 'elsewhere' && view.caller.path === '/usr/bin/ldd'),
  },
  {
    name: 'unexpected-interpreter',
    severity: 'medium',
    reason: 'an interpreter that is not the system’s own runs scripts as it likes',
    matches: ({ program, path, written, isInterpreter }) =>
      (written && isInterpreter) || (isInterpreterName(program) && (written || !SYSTEM.test(path))),
  },
  {
    name: 'library-preload',
    severity: 'medium',
    reason: 'a library of the session’s own is put into every program',
    matches: ({ program, args }) => program === 'env' && args.some((arg) => PRELOADS.test(arg)),
  },
]

/** The dynamic loader, by the names that C libraries give it. */
export function isLoader(program: string): boolean {
  return LOADER.test(program)
}

function loaded({ program, args, isInterpreter }: ExecView): 'elsewhere' | 'system' | undefined {
  if (isInterpreter || !isLoader(program)) return undefined
  if (args.some((arg) => LOADER_ASKS.test(arg))) return undefined
  const target = args.find(
    (arg, i) => !arg.startsWith('--') && !LOADER_VALUES.test(args[i - 1] ?? ''),
  )
  if (target === undefined) return undefined
  return SYSTEM.test(target) ? 'system' : 'elsewhere'
}
