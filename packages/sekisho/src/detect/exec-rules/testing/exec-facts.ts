import type { ExecFacts } from '../rule.ts'

/** A program below /usr/bin, started by a shell; `over` says what is different. */
export function facts(argv: readonly string[], over: Partial<ExecFacts> = {}): ExecFacts {
  return {
    path: `/usr/bin/${argv[0]}`,
    argv,
    written: false,
    isDeleted: false,
    isInterpreter: false,
    caller: { path: '/usr/bin/bash', argv: ['bash'] },
    ...over,
  }
}

export const sh = (script: string): ExecFacts =>
  facts(['sh', '-c', script], { path: '/usr/bin/dash' })
export const bash = (script: string): ExecFacts => facts(['bash', '-c', script])
export const words = (line: string, over: Partial<ExecFacts> = {}): ExecFacts =>
  facts(line.split(' '), over)

/** What a rule must see, and its benign neighbours, which it must not. */
export type Row = { rule: string; does: readonly ExecFacts[]; doesNot: readonly ExecFacts[] }
