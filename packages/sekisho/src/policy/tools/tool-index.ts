import type { ModelCallAction, ToolCallAction } from '../../core/action.ts'
import { CONSEQUENCES, EFFECTS, REVERSIBILITIES } from '../../core/label.ts'
import { type Deny, deny, type Verdict } from '../../core/verdict.ts'
import type { RuleOptions, ToolPolicy, ToolRule } from '../../wire/policy.ts'
import { commandLine } from '../approval-text/command-line.ts'
import { lastDayOf } from '../expired-rules.ts'
import { NO_OPTIONS } from '../merge-options.ts'
import { printable } from '../problem.ts'
import { compileNameGlob } from './call-glob.ts'
import { readCall } from './read-call.ts'
import { type CallPart, CompiledToolRule } from './tool-rule.ts'

/** Of an agent file that says nothing of the client's tools: what they do is bounded by the sandbox. */
export const ANY_TOOL = 'tools.any'
/** The provider would do something by itself, where no sandbox and no gate is. */
export const SERVER_TOOL = 'tools.server-side'
/** No rule of `tools` allows a call. */
export const NO_TOOL_RULE = 'tools.default'

/** A verdict names all of its rules, since by them it is known what the call does. */
const MAX_ALLOWING_RULES = 64

/** What an agent file says that says nothing of tools. */
const SILENT: ToolPolicy = { rules: null, serverTools: [] }

/** What an agent file says of the tools that a model is offered, and of their calls. */
export class ToolIndex {
  readonly #allows: readonly CompiledToolRule[]
  readonly #denies: readonly CompiledToolRule[]
  readonly #isAny: boolean
  readonly #serverTools: readonly ((type: string) => boolean)[]
  readonly #expired = new Set<string>()
  readonly #now: () => number

  /** @param now Unix ms; asked only of rules that expire */
  constructor({ rules, serverTools }: ToolPolicy = SILENT, now: () => number) {
    const compiled = (rules ?? []).map((rule) => new CompiledToolRule(rule))
    this.#allows = compiled.filter(({ rule }) => rule.effect === 'allow')
    this.#denies = compiled.filter(({ rule }) => rule.effect === 'deny')
    this.#isAny = rules === null
    this.#serverTools = serverTools.map(compileNameGlob)
    this.#now = now
  }

  /** A deny rule wins over every allow rule; of several commands each must be allowed. */
  decideCall(call: ToolCallAction): Verdict {
    if (this.#isAny) return { kind: 'allow', rules: [ANY_TOOL] }
    const reading = readCall(call)
    const denying = this.#denies.filter((one) => one.mayMean(call, reading))
    if (denying.length > 0) return denyBy(denying, call)
    const allowing = new Set<string>()
    const parts: readonly CallPart[] = call.commands.length === 0 ? [null] : call.commands
    for (const part of parts) {
      const found = this.#allows.filter((one) => one.covers(call, reading, part))
      const standing = found.filter(({ rule }) => this.#stands(rule))
      if (standing.length === 0) return refuse(describePart(call, part), found)
      for (const { rule } of standing) allowing.add(rule.id)
    }
    if (allowing.size <= MAX_ALLOWING_RULES) return { kind: 'allow', rules: [...allowing].sort() }
    return deny(NO_TOOL_RULE, `it takes more than ${MAX_ALLOWING_RULES} rules to allow this call`)
  }

  /** Denies a request that lets the provider do what no line of `serverTools` grants. */
  decideOffer({ serverTools, provider }: ModelCallAction): Deny | undefined {
    const type = serverTools.find((each) => !this.#serverTools.some((matches) => matches(each)))
    if (type === undefined) return undefined
    return deny(
      SERVER_TOOL,
      `${printable(provider)} would run ${printable(type)} by itself, which \`serverTools\` does not grant`,
    )
  }

  /** What the rules that allowed a call say that it does. */
  optionsFor(rules: readonly string[]): RuleOptions {
    const said = this.#allows.filter(({ rule }) => rules.includes(rule.id))
    return said.map(({ rule }) => rule.options ?? NO_OPTIONS).reduce(worseOf, NO_OPTIONS)
  }

  /** Also if the clock is set back later. */
  #stands({ id, expiresAtMs }: ToolRule): boolean {
    if (expiresAtMs === undefined) return true
    if (this.#now() >= expiresAtMs) this.#expired.add(id)
    return !this.#expired.has(id)
  }
}

/** Of two, the worse of each; what says nothing says nothing. */
function worseOf(a: RuleOptions, b: RuleOptions): RuleOptions {
  const effect = worst(EFFECTS, a.effect, b.effect)
  const reversibility = worst(REVERSIBILITIES, a.reversibility, b.reversibility)
  const consequence = worst(CONSEQUENCES, a.consequence, b.consequence)
  return {
    ...(effect === undefined ? {} : { effect }),
    ...(reversibility === undefined ? {} : { reversibility }),
    ...(consequence === undefined ? {} : { consequence }),
  }
}

function worst<T>(order: readonly T[], a: T | undefined, b: T | undefined): T | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}

function denyBy(denying: readonly CompiledToolRule[], call: ToolCallAction): Deny {
  const rules = [...new Set(denying.map(({ rule }) => rule.id))].sort().slice(0, 64)
  const [noun, verb] = rules.length === 1 ? ['rule', 'denies'] : ['rules', 'deny']
  const what = describeCall(call)
  return { kind: 'deny', rules, reason: `${noun} ${rules.slice(0, 3).join(', ')} ${verb} ${what}` }
}

/** @param expired rules that would have allowed it once */
function refuse(what: string, [expired]: readonly CompiledToolRule[]): Deny {
  if (expired === undefined) return deny(NO_TOOL_RULE, `no rule of \`tools\` allows ${what}`)
  const { id, expiresAtMs = 0 } = expired.rule
  return deny(id, `rule ${id} expired on ${lastDayOf(expiresAtMs)}, and no other allows ${what}`)
}

function describeCall(call: ToolCallAction): string {
  const lines = call.commands.map(({ program, args }) => commandLine([program, ...args]))
  return describe(call, lines.join('; '))
}

function describePart(call: ToolCallAction, part: CallPart): string {
  return describe(call, part === null ? '' : commandLine([part.program, ...part.args]))
}

function describe({ tool, does, paths, urls }: ToolCallAction, lines: string): string {
  const what = lines === '' ? [...paths, ...urls].join(', ') : lines
  const of = what === '' ? '' : `: ${printable(what, 256)}`
  return `${printable(tool)} (${does})${of}`
}
