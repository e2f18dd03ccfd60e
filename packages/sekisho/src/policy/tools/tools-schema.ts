import * as z from 'zod'
import { TOOL_DOINGS } from '../../core/action.ts'
import { Consequence, Effect, Reversibility } from '../../wire/labels.ts'
import type { ToolPolicy, ToolRule } from '../../wire/policy.ts'
import { readDay, readRuleId } from '../agent-values.ts'
import { readHostPattern } from '../host-pattern.ts'
import { text } from '../text.ts'
import { readCallPathGlob, readNameGlob, readProgramGlob } from './call-glob.ts'

const Note = z.string().max(1024)

const ToolRuleKeys = z.strictObject({
  id: text(readRuleId),
  effect: z.enum(['allow', 'deny']),
  tool: text(readNameGlob).default('*'),
  does: z.array(z.enum(TOOL_DOINGS)).min(1).max(TOOL_DOINGS.length).optional(),
  programs: z.array(text(readProgramGlob)).min(1).max(256).optional(),
  paths: z.array(text(readCallPathGlob)).min(1).max(256).optional(),
  hosts: z.array(text(readHostPattern)).min(1).max(256).optional(),
  unknown: z.boolean().optional(),
  owner: Note.default(''),
  reason: Note.default(''),
  /** the last day, in UTC, that an allow rule allows anything */
  expires: text(readDay).optional(),
  outside: Effect.optional(),
  reversibility: Reversibility.optional(),
  consequence: Consequence.optional(),
})
type RuleText = z.output<typeof ToolRuleKeys>

const ALLOW_ONLY = ['expires', 'outside', 'reversibility', 'consequence'] as const

/** One rule of `tools`. */
export const ToolRuleFile = ToolRuleKeys.superRefine((rule, context) => {
  if (rule.effect === 'allow') return
  for (const key of ALLOW_ONLY) {
    if (rule[key] === undefined) continue
    const params = { hint: 'delete the key; a rule that is to end is deleted on its day' }
    const message = 'a deny rule denies, for ever and all of it'
    context.addIssue({ code: 'custom', message, path: [key], params })
  }
  if (rule.unknown !== false) return
  const params = { hint: 'delete the key, or write unknown: true for only what is not known' }
  const message = 'a deny rule denies also what is known only when it runs'
  context.addIssue({ code: 'custom', message, path: ['unknown'], params })
}).transform(({ does, programs, paths, hosts, unknown, expires, ...rule }) => ({
  ...rule,
  /** empty means any, here and below */
  does: does ?? [],
  programs: programs ?? [],
  paths: paths ?? [],
  hosts: hosts ?? [],
  unknown: unknown ?? isWide(rule.effect, [programs, paths, hosts]),
  /** Unix ms; null for a rule without an end */
  expiresAtMs: expires ?? null,
}))

/** A rule that names what may run does not mean what nobody knows before it does. */
function isWide(effect: RuleText['effect'], narrowing: readonly unknown[]): boolean {
  return effect === 'allow' && narrowing.every((one) => one === undefined)
}

/** What a model may have the agent's client do, and what its provider may do by itself. */
export const ToolsFile = z.strictObject({
  rules: z
    .array(ToolRuleFile)
    .max(1000)
    .optional()
    .transform((rules) => rules ?? null),
  serverTools: z.array(text(readNameGlob)).max(64).default([]),
})
type ToolsFile = z.output<typeof ToolsFile>

/** As a gate decides by it. */
export function toolPolicy({ rules, serverTools }: ToolsFile): ToolPolicy {
  return { rules: rules === null ? null : rules.map(toolRule), serverTools: [...serverTools] }
}

function toolRule(rule: z.output<typeof ToolRuleFile>): ToolRule {
  const {
    owner: _owner,
    reason: _reason,
    expiresAtMs,
    outside,
    reversibility,
    consequence,
    ...rest
  } = rule
  const said = Object.entries({ effect: outside, reversibility, consequence })
  const options = Object.fromEntries(said.filter(([, value]) => value !== undefined))
  return {
    ...rest,
    ...(expiresAtMs === null ? {} : { expiresAtMs }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  }
}
