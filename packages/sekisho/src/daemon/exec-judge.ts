import { type Allow, type Deny, deny } from '../core/verdict.ts'
import { type ExecFacts, type ExecFinding, judgeExec } from '../detect/exec-rules/all.ts'
import type { AttemptedFile, Caller } from './exec-attempt.ts'
import type { ExecCall } from './exec-call.ts'
import type { Exec } from './exec-records.ts'

/** The action that execs belong to while no tool call is known. */
const ACTION = 'session.start'

/** Who executes, and with which words. */
export type Seen = Caller & { call: ExecCall }

/** What is executed, and what was decided about it. */
export type Found = Pick<AttemptedFile, 'path' | 'isDeleted'> &
  Pick<Exec, 'written' | 'digest'> & { isInterpreter: boolean; verdict: Allow | Deny }

/** An exec as it is to be recorded, and what it looks like. */
export type Judged = {
  exec: Exec
  findings: readonly ExecFinding[]
  /** what makes two execs alike: program, content, caller, verdict */
  key: string
}

/** @param last what the process or its nearest ancestor executed last, where that is known */
export function judge(seen: Seen, found: Found, last: ExecFacts['caller'] | undefined): Judged {
  const { call, pid, parent } = seen
  const { path, isDeleted, isInterpreter, written, digest, verdict } = found
  const rules = [...verdict.rules, ...(digest === null ? ['exec.unhashed'] : [])]
  const exec: Exec = {
    pid,
    parent,
    path,
    digest,
    written,
    argv: [...call.argv],
    argvOmitted: call.argvOmitted,
    verdict: { ...verdict, rules },
    action: ACTION,
  }
  const caller = last ?? { path: seen.path, argv: [] }
  const findings = judgeExec({ path, argv: call.argv, written, isDeleted, isInterpreter, caller })
  return { exec, findings, key: JSON.stringify([path, digest, seen.path, verdict.kind]) }
}

/** Stands for what nobody could look at: more programs at once than can be recorded. */
export function floodOf(tid: number): Exec {
  const { kind, rules, reason } = deny('exec.flood', 'more programs at once than can be recorded')
  return {
    pid: tid,
    parent: 0,
    path: 'many',
    digest: null,
    written: false,
    argv: [],
    argvOmitted: 0,
    verdict: { kind, rules: [...rules], reason },
    action: ACTION,
  }
}
