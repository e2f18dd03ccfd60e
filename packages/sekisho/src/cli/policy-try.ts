import type { Action } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import type { Verdict } from '../core/verdict.ts'
import type { ActionFacts } from '../core/facts.ts'
import type { Read } from '../policy/problem.ts'
import type { LoadedPolicy } from '../policy-text/load-policy.ts'
import { describeActionText, readActionText } from '../policy-text/trial/action-text.ts'
import { readArgumentsFlag, readFactFlags } from '../policy-text/trial/facts-flags.ts'
import { factsOf } from '../policy-text/trial/facts-text.ts'
import {
  compileLoaded,
  decide,
  policyOfPhase,
  type Question,
  uidOfUser,
  withOperation,
} from '../policy-text/trial/question.ts'
import { type Escape, smallestChanges } from '../policy-text/trial/smallest-change.ts'
import type { IntentFacts } from '../wire/policy-leaves.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { describeDecision, describeEscapes } from './decision-text.ts'
import { readBundle } from './policy-bundle.ts'

/** One decision, by the bundle's files as they lie there: 0 allowed, 1 denied or held. */
export async function tryAction(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    agent: { type: 'string' },
    user: { type: 'string' },
    phase: { type: 'string' },
    fact: { type: 'string', multiple: true },
    arguments: { type: 'string' },
    bundle: { type: 'string' },
  })
  const action = orUsage(readActionText(onePositional(usage, positionals)), usage)
  const { policy } = await readBundle(text(values['bundle']), terminal)
  const question = questionOf({ policy, action, values, usage })
  const trial = tryOut(policy, question)
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ action, ...trial }))
  } else {
    terminal.out(`${trial.verdict.kind} ${describeActionText(action)}`)
    for (const line of describeDecision(trial, policy)) terminal.out(line)
    for (const line of describeEscapes(trial.escapes, policy)) terminal.out(line)
  }
  return trial.verdict.kind === 'allow' ? 0 : 1
}

type Trial = { verdict: Verdict; facts: IntentFacts | null; escapes: readonly Escape[] }

function tryOut(policy: LoadedPolicy, question: Question | Verdict): Trial {
  if ('kind' in question) return { verdict: question, facts: null, escapes: [] }
  const decided = decide(compileLoaded(policy), question)
  const escapes = smallestChanges({ bundle: policy.decision(1), question })
  return { ...decided, escapes }
}

type Asked = {
  policy: LoadedPolicy
  action: Action
  values: Readonly<Record<string, unknown>>
  usage: string
}

/** @returns a verdict where the arguments are refused before any policy is asked */
function questionOf({ policy, action, values, usage }: Asked): Question | Verdict {
  const agent = text(values['agent'])
  if (agent === undefined) {
    throw new SekishoError('USAGE', '--agent is missing', { hint: `usage: ${usage}` })
  }
  const rules = policyOfPhase(policy, agent, values['phase'] === 'setup' ? 'setup' : 'agent')
  const flags = Array.isArray(values['fact']) ? values['fact'].map(String) : []
  const given = factsOf(
    orUsage(readFactFlags(flags), usage),
    policy.bundle.agent(agent).workspace.label,
  )
  const json = text(values['arguments'])
  const args = json === undefined ? undefined : orUsage(readArgumentsFlag(json), usage)
  const { operations } = policy.decision(1)
  const facts: ActionFacts | Verdict = withOperation(compileLoaded(policy), operations, {
    action,
    facts: given,
    args,
  })
  if ('kind' in facts) return facts
  const uid = uidOfUser(policy, text(values['user']))
  return { agent, policy: rules, uid, action, facts, nowMs: Date.now() }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function orUsage<T>(read: Read<T>, usage: string): T {
  if ('value' in read) return read.value
  throw new SekishoError('USAGE', read.problem, { hint: read.hint ?? `usage: ${usage}` })
}
