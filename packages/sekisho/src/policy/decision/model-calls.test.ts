import { describe, expect, test } from 'vitest'
import type { ModelCallAction, ToolCallAction } from '../../core/action.ts'
import { type ActionFacts, NO_FACTS } from '../../core/facts.ts'
import type { Verdict } from '../../core/verdict.ts'
import type { DecisionBundle } from '../../wire/decision.ts'
import type { PolicyRule, SessionPolicy, ToolRule } from '../../wire/policy.ts'
import { requestOf } from '../model-call.ts'
import { commandsOf, toolCall } from '../tools/testing/call.ts'
import { compileBundle } from './compiled-bundle.ts'
import { DecisionPoint } from './decision-point.ts'
import { bundleOf, DEFAULTS, PERMIT_ALL } from './testing/bundle.ts'

const RULE: PolicyRule = {
  id: 'models',
  effect: 'allow',
  scheme: 'https',
  host: 'api.anthropic.com',
  port: 443,
  methods: ['POST'],
  paths: ['/v1/messages'],
  options: { effect: 'none' },
}

const CALL: ModelCallAction = {
  kind: 'llm.generate',
  provider: 'anthropic',
  model: 'claude-sonnet-5',
  api: 'messages',
  stream: true,
  serverTools: [],
  scheme: 'https',
  host: 'api.anthropic.com',
  port: 443,
  path: '/v1/messages',
}
const REQUEST = requestOf(CALL)

const UNTRUSTED: Partial<ActionFacts> = {
  label: { integrity: 'untrusted', confidentiality: 'internal' },
}

function pointOf(
  text: string,
  { over = {}, tools }: { over?: Partial<DecisionBundle>; tools?: SessionPolicy['tools'] } = {},
): DecisionPoint {
  const policy = { rules: [RULE], ...(tools === undefined ? {} : { tools }) }
  const decision = { generation: 1, agent: 'coder', uid: 7, policy, begins: [], task: [] }
  const session = { session: 's-0123456789abcdefghij', decision }
  return new DecisionPoint(compileBundle(bundleOf(text, over)), session, () => 0)
}

function toolRule(fields: Partial<ToolRule>): ToolRule {
  const any = { tool: '*', does: [], programs: [], paths: [], hosts: [], unknown: true }
  return { id: 'bash', effect: 'allow', ...any, ...fields }
}

const facts = (fields: Partial<ActionFacts> = {}): ActionFacts => ({ ...NO_FACTS, ...fields })

const short = (verdict: Verdict): string =>
  `${verdict.kind} ${verdict.rules.join(' ')}${verdict.kind === 'hold' ? `: ${(verdict.needs ?? []).join(' ')}` : ''}`

const POLICIES = `${DEFAULTS}
  @id("small-models") forbid (principal, action == Sekisho::Action::"llm.generate", resource)
  unless { context.model.model like "*haiku*" || context.model.model like "*sonnet*" };
  @id("one-provider") forbid (principal, action == Sekisho::Action::"llm.generate", resource)
  unless { resource in Sekisho::ModelProvider::"anthropic" };
  @id("no-chat") forbid (principal, action == Sekisho::Action::"llm.generate", resource)
  when { context.model.api == "chat" && !context.model.stream };
  @id("no-opus") forbid (principal, action, resource == Sekisho::Model::"anthropic:opus-haiku");`

describe('a request that asks a model', () => {
  test.for<[string, Partial<ModelCallAction>, string]>([
    ['of which nobody speaks', {}, 'allow models'],
    ['that is too large', { model: 'claude-opus-5' }, 'deny small-models'],
    ['of another provider', { provider: 'proxy' }, 'deny one-provider'],
    ['in a format that is not wanted', { api: 'chat', stream: false }, 'deny no-chat'],
    ['that is forbidden by its name', { model: 'opus-haiku' }, 'deny no-opus'],
    ['that searches by itself', { serverTools: ['web_search'] }, 'deny tools.server-side'],
  ])('%s', ([, fields, expected]) => {
    const point = pointOf(POLICIES)
    const generate = { ...CALL, ...fields }
    const verdicts = [point.decide(REQUEST, facts({ generate })), point.decide(generate, facts())]
    expect(verdicts.map(short)).toEqual([expected, expected])
  })

  test('is asked about as a request too', () => {
    const text = `${DEFAULTS} @id("closed") forbid (principal, action == Sekisho::Action::"http.request", resource);`
    expect(short(pointOf(text).decide(CALL))).toBe('deny closed')
  })

  test('is granted by no more than its request is', () => {
    const point = pointOf(PERMIT_ALL)
    expect([
      short(point.decide({ ...CALL, host: 'other.example' })),
      short(point.decide({ ...CALL, path: '/v1/files' })),
    ]).toEqual(['deny default', 'deny default'])
  })

  test('may search where the agent file grants that, and policies do not forbid it', () => {
    const tools = { rules: null, serverTools: ['web_search*'] }
    const call = { ...CALL, serverTools: ['web_search_20250305'] }
    const text = `${DEFAULTS}
      @id("no-search") forbid (principal, action == Sekisho::Action::"llm.generate", resource)
      when { !context.model.serverTools.isEmpty() && context.facts.integrity == "untrusted" };`
    const point = pointOf(text, { tools })
    expect([short(point.decide(call)), short(point.decide(call, facts(UNTRUSTED)))]).toEqual([
      'allow models',
      'deny no-search',
    ])
  })

  test('is described as its request is', () => {
    const point = pointOf(DEFAULTS)
    const described = {
      user: 'uid-7',
      label: NO_FACTS.label,
      effect: 'none',
      reversibility: 'externally_reversible',
    }
    expect([
      point.describe(CALL, NO_FACTS),
      point.describe(REQUEST, facts({ generate: CALL })),
    ]).toEqual([described, described])
  })
})

describe('a call of a tool', () => {
  const BASH = toolCall({ commands: commandsOf('git status') })

  test('that nobody speaks of is allowed', () => {
    expect(short(pointOf(DEFAULTS).decide(BASH))).toBe('allow tools.any')
  })

  test('that no policy permits is denied, whatever the agent file grants', () => {
    expect(short(pointOf('').decide(BASH))).toBe('deny policy.not-permitted')
  })

  test('that the agent file does not grant is denied, whatever policies permit', () => {
    const tools = { rules: [], serverTools: [] }
    expect(short(pointOf(PERMIT_ALL, { tools }).decide(BASH))).toBe('deny tools.default')
  })

  const TEXT = `${DEFAULTS}
    @id("no-rm") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.tool.programs.containsAny(["rm", "shred"]) };
    @id("ask-unknown") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.tool.does == "shell" && context.tool.unknown }
    unless { context.facts.approvals.contains("initiator") };
    @id("no-metadata") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.tool.hosts.contains("169.254.169.254") };
    @id("no-shadow") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.tool.paths.contains("/etc/shadow") };
    @id("no-agents") forbid (principal, action, resource == Sekisho::ClientTool::"Agent");
    @id("no-gpt") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.tool.provider == "openai" && context.tool.model like "gpt-*" };
    @id("found") forbid (principal, action == Sekisho::Action::"llm.tool-call", resource)
    when { context.facts.findings.contains("command.test") };`

  test.for<[string, Partial<ToolCallAction>, string]>([
    ['of which nobody speaks', {}, 'allow tools.any'],
    ['that runs what is forbidden', { commands: commandsOf('ls', '/bin/rm x') }, 'deny no-rm'],
    [
      'with a word that is not known',
      { commands: commandsOf('echo ?') },
      'hold ask-unknown: initiator',
    ],
    [
      'to an address',
      { urls: ['http://[::ffff:a9fe:a9fe]/', 'http://2852039166/'] },
      'deny no-metadata',
    ],
    ['to a file, however it is spelled', { paths: ['/etc/./x/../shadow'] }, 'deny no-shadow'],
    ['by its name', { tool: 'Agent', does: 'spawn' }, 'deny no-agents'],
    ['of a model', { provider: 'openai', model: 'gpt-6' }, 'deny no-gpt'],
  ])('%s', ([, fields, expected]) => {
    expect(short(pointOf(TEXT).decide({ ...BASH, ...fields }))).toBe(expected)
  })

  test('in which something was found', () => {
    expect(short(pointOf(TEXT).decide(BASH, facts({ findings: ['command.test'] })))).toBe(
      'deny found',
    )
  })

  test('does nothing outside unless a rule says so', () => {
    const options = { effect: 'external', reversibility: 'irreversible' } as const
    const loud = { rules: [toolRule({ options })], serverTools: [] }
    const quiet = { rules: [toolRule({})], serverTools: [] }
    const [plain, outside] = [
      pointOf(PERMIT_ALL, { tools: quiet }),
      pointOf(PERMIT_ALL, { tools: loud }),
    ]
    const all = facts({ ...UNTRUSTED, approvals: ['initiator'] })
    expect(
      [plain.decide(BASH), outside.decide(BASH), outside.decide(BASH, all)].map(short),
    ).toEqual(['allow bash', 'hold invariant.irreversible: initiator', 'allow bash'])
    expect(outside.optionsFor(BASH, ['bash'])).toEqual(options)
    expect([plain.describe(BASH, NO_FACTS).effect, outside.describe(BASH, NO_FACTS)]).toEqual([
      'none',
      { user: 'uid-7', label: NO_FACTS.label, ...options },
    ])
  })

  test('is covered by a mandate that names its rule', () => {
    const mandate = {
      id: 'night-shift',
      kinds: ['initiator'] as const,
      agent: 'coder',
      user: null,
      operations: [],
      rules: ['tools.any'],
      counterparties: [],
      maxAmount: null,
      maxUses: 1,
      expiresAtMs: 2_000,
      digest: `sha256:${'0'.repeat(64)}`,
    }
    const point = pointOf(TEXT, { over: { mandates: [{ ...mandate, kinds: ['initiator'] }] } })
    const action = { ...BASH, commands: commandsOf('echo ?') }
    const hold = point.decide(action)
    expect(hold.kind === 'hold' && point.mandateFor(action, NO_FACTS, hold)).toBe('night-shift')
  })

  test('and a call of a model count for what counts them', () => {
    const count = { kind: 'count' } as const
    const scope = { per: 'session', max: 3, windowMs: null } as const
    const constraint = (id: string, action: string): DecisionBundle['constraints'][number] => ({
      id,
      ...scope,
      of: { action },
      measure: count,
    })
    const constraints = [constraint('calls', 'llm.tool-call'), constraint('turns', 'llm.generate')]
    const point = pointOf(DEFAULTS, { over: { constraints } })
    expect([
      point.amountsFor(BASH, NO_FACTS),
      point.amountsFor(REQUEST, facts({ generate: CALL })),
      point.amountsFor(REQUEST, NO_FACTS),
    ]).toEqual([{ calls: 1 }, { turns: 1 }, null])
  })
})
