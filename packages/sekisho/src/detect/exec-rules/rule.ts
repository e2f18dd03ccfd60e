import type { Command } from './shell-text.ts'

export type Severity = 'low' | 'medium' | 'high'

/** One exec, as far as rules may know it. Only `argv` is the agent's own word. */
export type ExecFacts = {
  /** as seen inside */
  path: string
  argv: readonly string[]
  /** written in the session */
  written: boolean
  /** the file has no name any more */
  isDeleted: boolean
  /** read by the kernel for another program: after `#!`, or as its loader */
  isInterpreter: boolean
  /** what the process, or the one that forked it, executed before */
  caller: { path: string; argv: readonly string[] }
}

/** {@link ExecFacts} taken apart once for all rules. */
export type ExecView = ExecFacts & {
  /** name of the program; of a multi-call binary, what it was called by */
  program: string
  args: readonly string[]
  /** for a shell with `-c`: the pipelines of its script, each of them commands */
  pipelines: readonly (readonly Command[])[]
  /** scripts on the command line, of any interpreter */
  scripts: readonly string[]
}

export type ExecRule = {
  /** kebab-case; `exec.` is put before it */
  name: string
  severity: Severity
  /** why anybody would want to know */
  reason: string
  matches: (view: ExecView) => boolean
}

export type ExecFinding = { rule: string; severity: Severity; subject: string }
