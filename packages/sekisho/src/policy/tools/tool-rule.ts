import type { CommandCall, ToolCallAction } from '../../core/action.ts'
import { matchesHost } from '../../core/host.ts'
import type { ToolRule } from '../../wire/policy.ts'
import {
  type CallPathGlob,
  compileCallPath,
  compileNameGlob,
  compileProgramGlob,
  type ProgramGlob,
} from './call-glob.ts'
import { type CallReading, isRunTime } from './read-call.ts'

/** One command of a call, or all of a call that has none. */
export type CallPart = CommandCall | null

/**
 * One rule as functions. What it allows it must cover for certain; what it denies it need only be
 * able to mean, so that no spelling gets around it.
 */
export class CompiledToolRule {
  readonly rule: ToolRule
  readonly #isTool: (name: string) => boolean
  /** a client may find a tool whose name the model has spelled in other letters */
  readonly #isToolInAnyCase: (name: string) => boolean
  readonly #programs: readonly ProgramGlob[]
  readonly #paths: readonly CallPathGlob[]

  constructor(rule: ToolRule) {
    this.rule = rule
    this.#isTool = compileNameGlob(rule.tool)
    this.#isToolInAnyCase = compileNameGlob(rule.tool.toLowerCase())
    this.#programs = rule.programs.map(compileProgramGlob)
    this.#paths = rule.paths.map(compileCallPath)
  }

  /** Whether this part of the call is, for certain, what the rule speaks of. */
  covers(call: ToolCallAction, reading: CallReading, part: CallPart): boolean {
    if (!this.#isTool(call.tool) || !this.#isDoing(call)) return false
    if (!this.rule.unknown && hasUnknown(reading, part)) return false
    return (
      this.#isProgram(part) &&
      allAre(this.#paths, reading.paths, (path, glob) => glob.isSurely(path)) &&
      allAre(this.rule.hosts, reading.hosts, (host, pattern) => matchesHost(pattern, host))
    )
  }

  /** Whether some part of the call may be what the rule speaks of. */
  mayMean(call: ToolCallAction, reading: CallReading): boolean {
    if (!spellingsOf(call.tool).some(this.#isToolInAnyCase) || !this.#isDoing(call)) return false
    if (this.rule.unknown && !reading.isUnknown) return false
    return (
      this.#mayBeProgram(call) &&
      someAre(this.#paths, reading.paths, (path, glob) => glob.mayBe(path)) &&
      this.#mayBeHost(reading)
    )
  }

  #isDoing({ does }: ToolCallAction): boolean {
    return this.rule.does.length === 0 || this.rule.does.includes(does)
  }

  #isProgram(part: CallPart): boolean {
    if (this.#programs.length === 0) return true
    const program = part?.program ?? null
    return program !== null && this.#programs.some((glob) => glob.isSurely(program))
  }

  #mayBeProgram({ commands }: ToolCallAction): boolean {
    const programs = commands.map(({ program }) => program)
    // what is known only when it runs may be this
    const may = (program: string | null, glob: ProgramGlob): boolean =>
      program === null || glob.mayBe(program)
    return someAre(this.#programs, programs, may)
  }

  #mayBeHost({ hosts, hasStrangeUrl }: CallReading): boolean {
    const isNamed = someAre(this.rule.hosts, hosts, (host, pattern) => matchesHost(pattern, host))
    return isNamed || hasStrangeUrl
  }
}

/**
 * Names by which some client finds the tool: in any letters, with blanks around it, behind the name of
 * a group and in front of a number (`functions.bash:0`).
 */
function spellingsOf(name: string): readonly string[] {
  const plain = name.trim().toLowerCase()
  const bare = plain.replace(/:\d+$/, '')
  return [name.toLowerCase(), plain, bare, bare.slice(bare.search(/[^.:/]*$/))]
}

function hasUnknown({ hasStrangeUrl }: CallReading, part: CallPart): boolean {
  return hasStrangeUrl || (part !== null && isRunTime(part))
}

/** A rule that names some says nothing of a call that names none. */
function allAre<P, T>(
  patterns: readonly P[],
  named: readonly T[],
  fits: (one: T, pattern: P) => boolean,
): boolean {
  if (patterns.length === 0) return true
  return named.length > 0 && named.every((one) => patterns.some((pattern) => fits(one, pattern)))
}

function someAre<P, T>(
  patterns: readonly P[],
  named: readonly T[],
  fits: (one: T, pattern: P) => boolean,
): boolean {
  if (patterns.length === 0) return true
  return named.some((one) => patterns.some((pattern) => fits(one, pattern)))
}
