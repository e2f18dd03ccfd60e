import type { Verdict } from '../core/verdict.ts'
import { INVARIANT_TEXTS } from '../policy/invariants/texts.ts'
import type { LoadedPolicy } from '../policy-text/load-policy.ts'
import { SOMEBODY } from '../policy-text/trial/question.ts'
import type { Change, Escape } from '../policy-text/trial/smallest-change.ts'
import type { IntentFacts } from '../wire/policy-leaves.ts'
import type { PolicyRule, ToolRule } from '../wire/policy.ts'
import { printable } from './terminal.ts'

type Decision = { verdict: Verdict; facts: IntentFacts | null }

/** The rules of each layer that decided, and by what facts. */
export function describeDecision(
  { verdict, facts }: Decision,
  policy: LoadedPolicy,
): readonly string[] {
  const places = policy.cedar.places
  const invariants = verdict.rules.filter((id) => id.startsWith('invariant.'))
  const policies = verdict.rules.filter((id) => places.has(id))
  const others = verdict.rules.filter((id) => !invariants.includes(id) && !policies.includes(id))
  const grants = verdict.kind === 'hold' ? (verdict.grants ?? []) : others
  return [
    ...(grants.length === 0 ? [] : [row('agent file', grants.join(', '))]),
    ...invariants.map((id) => row('invariant', `${id}, which no bundle can take away`)),
    ...policies.map((id) => row('policy', `${id} (${placeText(id, policy)})`)),
    ...(verdict.kind === 'hold' && others.length > 0 ? [row('rule', others.join(', '))] : []),
    ...(verdict.kind === 'allow' ? [] : [row('reason', verdict.reason)]),
    ...(verdict.kind === 'hold'
      ? [row('needs', (verdict.needs ?? ['approver']).join(' and '))]
      : []),
    ...(facts === null ? [] : [row('facts', factsText(facts))]),
  ]
}

/** `rule-of-two` stands in `defaults.cedar:28`. */
function placeText(id: string, { cedar }: LoadedPolicy): string {
  const place = cedar.places.get(id)
  if (place === undefined) return id in INVARIANT_TEXTS ? 'invariant' : 'unknown'
  return `${place.file}:${place.line}`
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(11)} ${printable(text)}`
}

export function factsText({ user, label, ...facts }: IntentFacts): string {
  return [
    user === `uid-${SOMEBODY}` ? 'user whom users.yaml does not name' : `user ${user}`,
    `integrity ${label.integrity}`,
    `confidentiality ${label.confidentiality}`,
    `effect ${facts.effect ?? 'read'}`,
    `reversibility ${facts.reversibility ?? 'read_only'}`,
    `consequence ${facts.consequence ?? 'low'}`,
    ...(facts.bodyBytes === undefined ? [] : [`body ${facts.bodyBytes} bytes`]),
    ...(facts.operation === undefined ? [] : [`operation ${facts.operation}`]),
    ...(facts.unconfirmed === undefined ? [] : [`unconfirmed ${facts.unconfirmed.join(' ')}`]),
    ...(facts.approvals === undefined ? [] : [`approvals ${facts.approvals.join(' ')}`]),
    ...(facts.mandate === undefined ? [] : [`mandate ${facts.mandate}`]),
  ].join(', ')
}

/** What would have had to be otherwise; each line has been decided again. */
export function describeEscapes(
  escapes: readonly Escape[],
  policy: LoadedPolicy,
): readonly string[] {
  return escapes.flatMap(({ changes }) =>
    changes.flatMap((change, index) => {
      const [first = '', ...more] = describeChange(change, policy)
      const name = index === 0 ? 'allowed if' : 'and if'
      return [row(name, first), ...more.map((line) => `${' '.repeat(14)}${printable(line)}`)]
    }),
  )
}

function describeChange(change: Change, policy: LoadedPolicy): readonly string[] {
  switch (change.kind) {
    case 'approvals':
      return [`${change.needs.join(' and ')} said yes to exactly this action`]
    case 'add-rule':
      return ['the agent file had this rule:', ...ruleText(change.rule)]
    case 'drop-rule':
      return [`the deny rule ${change.rule} were not in the agent file`]
    case 'fact':
      return [`${change.name} were ${change.to}, not ${change.from}`]
    case 'enable-user':
      return ['the user were enabled in users.yaml']
    case 'add-tool-rule':
      return ['`tools` of the agent file had this rule:', ...toolRuleText(change.rule)]
    case 'drop-tool-rule':
      return [`the deny rule ${change.rule} were not in \`tools\` of the agent file`]
    case 'grant-server-tool':
      return [`\`serverTools\` of the agent file had ${change.type}`]
    case 'drop-policy':
      return [`there were no policy ${change.policy} (${placeText(change.policy, policy)})`]
  }
}

function toolRuleText({ tool, does, programs, unknown }: ToolRule): readonly string[] {
  return [
    '- id: …',
    '  effect: allow',
    `  tool: ${JSON.stringify(tool)}`,
    `  does: [${does.join(', ')}]`,
    ...(programs.length === 0
      ? []
      : [`  programs: [${programs.map((program) => JSON.stringify(program)).join()}]`]),
    ...(unknown ? ['  unknown: true'] : []),
  ]
}

function ruleText({ scheme, host, port, methods, paths, options }: PolicyRule): readonly string[] {
  const usual = scheme === 'https' && port === 443
  return [
    '- id: …',
    '  effect: allow',
    `  host: ${host}`,
    ...(usual ? [] : [`  scheme: ${scheme}`, `  ports: [${port}]`]),
    ...(methods.length === 0 ? [] : [`  methods: [${methods.join(', ')}]`]),
    ...(paths.length === 0
      ? []
      : [`  paths: [${paths.map((path) => JSON.stringify(path)).join()}]`]),
    ...(options?.websocket === true ? ['  websocket: true'] : []),
  ]
}
