import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CedarPolicies } from '../wire/cedar.ts'
import type { ToolPolicy, ToolRule } from '../wire/policy.ts'
import type { Comparison } from '../wire/solver.ts'
import { compareBundles } from './compare.ts'
import { compareTools } from './compare-parts.ts'
import { bundleOf, parsePolicies } from './testing/default-policy.ts'
import { Z3 } from './z3.ts'

function rule(id: string, fields: Partial<ToolRule> = {}): ToolRule {
  const any = { tool: '*', does: [], programs: [], paths: [], hosts: [], unknown: false }
  return { id, effect: 'allow', ...any, ...fields }
}

const tools = (rules: ToolPolicy['rules'], ...serverTools: string[]): ToolPolicy => ({
  rules,
  serverTools,
})
const [A, B] = [rule('a', { programs: ['git'] }), rule('b', { effect: 'deny', programs: ['rm'] })]
const LOUD = rule('c', { options: { effect: 'external' } })

test.for<[string, ToolPolicy | undefined, ToolPolicy | undefined, string]>([
  ['nothing said, and nothing', undefined, undefined, 'equal'],
  ['nothing said, and every tool of the client', undefined, tools(null), 'equal'],
  ['some rules in place of none', undefined, tools([A]), 'narrower'],
  ['no rules in place of some', tools([A]), undefined, 'wider'],
  ['no tools at all', tools([A]), tools([]), 'narrower'],
  ['a deny rule more', tools([A]), tools([A, B]), 'narrower'],
  ['a deny rule less', tools([A, B]), tools([A]), 'not-proven'],
  ['an allow rule more', tools([B]), tools([A, B]), 'not-proven'],
  [
    'an allow rule that is another',
    tools([A]),
    tools([rule('a', { programs: ['ls'] })]),
    'not-proven',
  ],
  ['a rule that says what a call does', tools([A, LOUD]), tools([A]), 'not-proven'],
  ['a search more', tools(null), tools(null, 'web_search'), 'not-proven'],
  ['a search less', tools([A], 'web_search'), tools([A]), 'narrower'],
])('%s', ([, before, after, expected]) => {
  expect(compareTools(before, after)).toBe(expected)
})

describe('a bundle', () => {
  let z3: Z3
  beforeAll(async () => {
    z3 = await Z3.open()
  })
  afterAll(() => z3.close())

  const GRANTED =
    '@id("granted") permit (principal, action, resource) when { context.facts.granted };'
  const TOOL_CALL = 'principal, action == Sekisho::Action::"llm.tool-call", resource'
  const MODEL_CALL = 'principal, action == Sekisho::Action::"llm.generate", resource'

  function compare(
    before: { cedar: CedarPolicies; tools?: ToolPolicy },
    after: { cedar: CedarPolicies; tools?: ToolPolicy },
  ): Promise<Comparison> {
    const [a, b] = [before, after].map(({ cedar, tools: said }) => {
      const bundle = bundleOf(cedar, [])
      const agents = bundle.agents.map((agent) => ({ ...agent, ...(said && { tools: said }) }))
      return { ...bundle, agents }
    })
    if (a === undefined || b === undefined) throw new TypeError('two bundles')
    const now = (): number => performance.now()
    return compareBundles(a, b, { ask: z3.ask, timeoutMs: 20_000, now })
  }

  test('that grants fewer tools is narrower, unless policies ask by which rules', async () => {
    const plain = parsePolicies(GRANTED)
    const asking = parsePolicies(
      `${GRANTED} forbid (${TOOL_CALL}) when { context.facts.grants.contains("tools.any") };`,
    )
    const results = [
      await compare({ cedar: plain }, { cedar: plain, tools: tools([A]) }),
      await compare({ cedar: asking }, { cedar: asking, tools: tools([A]) }),
    ]
    expect(results.map(({ change, reasons }) => [change, ...reasons])).toEqual([
      ['narrower', 'agent builder: its rules of tools grant less'],
      ['not-proven', 'agent builder: its rules of tools are others'],
    ])
  })

  test.for([
    [
      'forbids less of a program',
      `forbid (${TOOL_CALL}) when { context.tool.programs.containsAny(["rm", "dd"]) };`,
      `forbid (${TOOL_CALL}) when { context.tool.programs.contains("rm") };`,
      'wider',
      /newly allowed: agent builder .*: let the client call/,
    ],
    [
      'forbids a tool by its name in place of its id',
      `forbid (${TOOL_CALL}) when { context.tool.name == "Bash" };`,
      `forbid (principal, action == Sekisho::Action::"llm.tool-call", resource == Sekisho::ClientTool::"Bash");`,
      'narrower',
      /permit nothing that they did not/,
    ],
    [
      'forbids all that a call can do',
      `forbid (${TOOL_CALL});`,
      `forbid (${TOOL_CALL}) when { ["shell", "write", "read", "fetch", "mcp", "spawn", "other"].contains(context.tool.does) };`,
      'narrower',
      /permit nothing that they did not/,
    ],
    [
      'opens another model',
      `forbid (${MODEL_CALL}) unless { context.model.model == "a" };`,
      `forbid (${MODEL_CALL}) unless { context.model.model == "a" || resource == Sekisho::Model::"x:b" };`,
      'wider',
      /newly allowed: agent builder .*: llm.generate of/,
    ],
  ] as const)('that %s', async ([, before, after, change, reason]) => {
    const [a, b] = [before, after].map((text) => parsePolicies(`${GRANTED} ${text}`))
    const answer = await compare({ cedar: a ?? [] }, { cedar: b ?? [] })
    expect(answer.change).toBe(change)
    expect(answer.reasons[0]).toMatch(reason)
  })
})
