import { canonicalJson } from '../core/canonical-json.ts'
import type { AgentFile } from '../policy/agent-file.ts'
import { lastDayOf } from '../policy/expired-rules.ts'
import { ANY_TOOL } from '../policy/tools/tool-index.ts'
import type { DecisionBundle } from '../wire/decision.ts'
import type { LlmSettings, ModelPrice } from '../wire/llm.ts'
import type { PolicyRule, SessionPolicy, ToolRule } from '../wire/policy.ts'
import type { LoadedPolicy } from './load-policy.ts'

/** One thing of a bundle, by what kind of thing it is and its name. */
export type Difference = {
  part: string
  name: string
  change: 'added' | 'removed' | 'changed'
  /** what of it, for a thing that has changed */
  detail: readonly string[]
}

/** What differs between two bundles, in the order in which a reviewer asks: agents first. */
export function diffPolicies(before: LoadedPolicy, after: LoadedPolicy): readonly Difference[] {
  const [a, b] = [before.decision(1), after.decision(1)]
  const cedar = { a: byId(a.cedar), b: byId(b.cedar) }
  return [
    ...diffAgents(before, after),
    ...diffParts('policy', { ...cedar, detailOf: () => ['its text'] }),
    ...diffParts('host', { a: byName(a.hosts, 'host'), b: byName(b.hosts, 'host'), detailOf }),
    ...diffParts('operation', { a: byId(a.operations), b: byId(b.operations), detailOf }),
    ...diffParts('constraint', { a: byId(a.constraints), b: byId(b.constraints), detailOf }),
    ...diffParts('mandate', { a: byId(a.mandates), b: byId(b.mandates), detailOf }),
    ...diffParts('user', { a: byName(a.users, 'name'), b: byName(b.users, 'name'), detailOf }),
    ...diffParts('approver', {
      a: new Map(before.approvers.map((one) => [`${one.name} as ${one.as}`, one])),
      b: new Map(after.approvers.map((one) => [`${one.name} as ${one.as}`, one])),
      detailOf,
    }),
    ...diffLlm(a.llm, b.llm),
    ...diffParts('settings', { a: settingsOf(a), b: settingsOf(b), detailOf }),
  ]
}

function diffLlm(a: LlmSettings, b: LlmSettings): readonly Difference[] {
  return [
    ...diffParts('provider', { a: byId(a.providers), b: byId(b.providers), detailOf }),
    ...diffParts('filter', { a: byId(a.filters ?? []), b: byId(b.filters ?? []), detailOf }),
    ...diffParts('alias', { a: byName(a.aliases, 'name'), b: byName(b.aliases, 'name'), detailOf }),
    ...diffParts('budget', { a: byId(a.budgets), b: byId(b.budgets), detailOf }),
    ...diffParts('price', { a: byPrice(a.prices), b: byPrice(b.prices), detailOf }),
  ]
}

/** A model may have many: each from its day on. */
function byPrice(prices: readonly ModelPrice[]): ReadonlyMap<string, ModelPrice> {
  const nameOf = ({ provider, model, from }: ModelPrice): string =>
    `${provider ?? '*'}:${model} from ${from}`
  return new Map(prices.map((price) => [nameOf(price), price]))
}

function settingsOf({ approvals, llm }: DecisionBundle): ReadonlyMap<string, object> {
  const { missingPrice, unsupported, replies, recording } = llm
  return new Map<string, object>([
    ['approvals.yaml', approvals],
    ['models.yaml', { missingPrice, unsupported, replies, recording }],
  ])
}

type Parts<T> = {
  a: ReadonlyMap<string, T>
  b: ReadonlyMap<string, T>
  detailOf: (a: T, b: T) => readonly string[]
}

function diffParts<T>(part: string, { a, b, detailOf: explain }: Parts<T>): readonly Difference[] {
  return [...new Set([...a.keys(), ...b.keys()])].toSorted().flatMap((name): Difference[] => {
    const [was, is] = [a.get(name), b.get(name)]
    if (was === undefined) return [{ part, name, change: 'added', detail: [] }]
    if (is === undefined) return [{ part, name, change: 'removed', detail: [] }]
    if (isSame(was, is)) return []
    return [{ part, name, change: 'changed', detail: explain(was, is) }]
  })
}

/** Of two records the keys that differ, with what they say. */
function detailOf(a: object, b: object): readonly string[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted()
  return keys.flatMap((key) => {
    const [was, is]: unknown[] = [Reflect.get(a, key), Reflect.get(b, key)]
    return isSame(was, is) ? [] : [`${key}: ${shown(was)} → ${shown(is)}`]
  })
}

const MAX_SHOWN = 120

function shown(value: unknown): string {
  const text = value === undefined ? 'not there' : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

function diffAgents(before: LoadedPolicy, after: LoadedPolicy): readonly Difference[] {
  const agentsOf = ({ bundle }: LoadedPolicy): ReadonlyMap<string, AgentFile> =>
    new Map(bundle.agents.map((name) => [name, bundle.agent(name)]))
  return diffParts('agent', {
    a: agentsOf(before),
    b: agentsOf(after),
    detailOf: (was, is) => [
      ...diffRules('', before.bundle.policyOf(was).rules, after.bundle.policyOf(is).rules),
      ...diffRules(
        'setup: ',
        before.bundle.setupPolicyOf(was)?.rules ?? [],
        after.bundle.setupPolicyOf(is)?.rules ?? [],
      ),
      ...diffTools(before.bundle.policyOf(was).tools, after.bundle.policyOf(is).tools),
      ...detailOf(withoutRules(was), withoutRules(is)),
    ],
  })
}

/** Rules are compared as what they come to, so that a preset that grows is seen. */
function diffRules(
  where: string,
  before: readonly PolicyRule[],
  after: readonly PolicyRule[],
): readonly string[] {
  return diffTexts(where, before.map(ruleText), after.map(ruleText))
}

/** What a file says of tools; where it says nothing, all of the client's are granted. */
function diffTools(
  before: SessionPolicy['tools'],
  after: SessionPolicy['tools'],
): readonly string[] {
  const textsOf = (tools: SessionPolicy['tools']): readonly string[] => [
    ...(tools?.rules?.map(toolRuleText) ?? [`allow ${ANY_TOOL}: any tool`]),
    ...(tools?.serverTools.map((type) => `serverTools: ${type}`) ?? []),
  ]
  return diffTexts('tools: ', textsOf(before), textsOf(after))
}

function toolRuleText({
  id,
  effect,
  tool,
  unknown,
  expiresAtMs,
  options,
  ...rule
}: ToolRule): string {
  const lists = Object.entries(rule).flatMap(([key, texts]) =>
    texts.length === 0 ? [] : [`${key} ${texts.join(' ')}`],
  )
  return [
    `${effect} ${id}: ${tool}`,
    ...lists,
    ...(unknown ? ['unknown'] : []),
    ...(options === undefined ? [] : [JSON.stringify(options)]),
    ...untilText(expiresAtMs),
  ].join(' ')
}

function diffTexts(
  where: string,
  before: readonly string[],
  after: readonly string[],
): readonly string[] {
  const [was, is] = [new Set(before), new Set(after)]
  return [
    ...[...was].filter((rule) => !is.has(rule)).map((rule) => `${where}- ${rule}`),
    ...[...is].filter((rule) => !was.has(rule)).map((rule) => `${where}+ ${rule}`),
  ]
}

function ruleText(rule: PolicyRule): string {
  const { id, effect, scheme, host, port, methods, paths, options, expiresAtMs } = rule
  return [
    `${effect} ${id}: ${methods.length === 0 ? 'any method' : methods.join(' ')}`,
    `${scheme}://${host}:${port}${paths.length === 0 ? '' : ` ${paths.join(' ')}`}`,
    ...(options === undefined ? [] : [JSON.stringify(options)]),
    ...untilText(expiresAtMs),
  ].join(' ')
}

function untilText(expiresAtMs: number | undefined): readonly string[] {
  return expiresAtMs === undefined ? [] : [`until ${lastDayOf(expiresAtMs)}`]
}

function withoutRules(agent: AgentFile): object {
  const { rules: _rules, presets: _presets, tools: _tools, setup, ...rest } = agent
  return { ...rest, setup: setup === null ? null : { command: setup.command } }
}

function byId<T extends { id: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((one) => [one.id, one]))
}

function byName<K extends string, T extends Record<K, string>>(
  all: readonly T[],
  key: K,
): ReadonlyMap<string, T> {
  return new Map(all.map((one) => [one[key], one]))
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b
  return canonicalJson(a) === canonicalJson(b)
}
