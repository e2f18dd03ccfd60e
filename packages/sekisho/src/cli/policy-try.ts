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
import {
  modelCallOf,
  type ModelText,
  readModelFlag,
  readToolCall,
  readToolCallFlag,
} from '../policy-text/trial/tool-call-text.ts'
import { wholeSubjectOf } from '../policy/approval-text/subject.ts'
import type { IntentFacts } from '../wire/policy-leaves.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional, onePositional } from './flags.ts'
import { describeDecision, describeEscapes } from './decision-text.ts'
import { readBundle } from './policy-bundle.ts'
import { printable } from './terminal.ts'

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
    'tool-call': { type: 'string' },
    model: { type: 'string' },
    'server-tool': { type: 'string', multiple: true },
    bundle: { type: 'string' },
  })
  const asked = askedOf(values, positionals, usage)
  const { policy } = await readBundle(text(values['bundle']), terminal)
  const trials = asked.actions.map((action): Trial => {
    const question = questionOf({ policy, action, asked, values, usage })
    return { action, ...tryOut(policy, question) }
  })
  const { verdict, ...worst } = worstOf(trials)
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ verdict, ...worst }))
  } else {
    terminal.out(`${verdict.kind} ${printable(describeTrial(worst.action))}`)
    for (const line of describeDecision({ verdict, ...worst }, policy)) terminal.out(line)
    for (const line of describeEscapes(worst.escapes, policy)) terminal.out(line)
  }
  return verdict.kind === 'allow' ? 0 : 1
}

type Trial = {
  action: Action
  verdict: Verdict
  facts: IntentFacts | null
  escapes: readonly Escape[]
}

/** One call may be several actions: what is first not allowed decides. */
function worstOf(trials: readonly Trial[]): Trial {
  const worst =
    trials.find(({ verdict }) => verdict.kind === 'deny') ??
    trials.find(({ verdict }) => verdict.kind === 'hold') ??
    trials[0]
  if (worst === undefined) throw new SekishoError('INTERNAL', 'a call of a tool without an action')
  return worst
}

/** What a tool would do says more than what it is called. */
function describeTrial(action: Action): string {
  return action.kind === 'llm.tool-call'
    ? wholeSubjectOf({ action, operation: null })
    : describeActionText(action)
}

function tryOut(policy: LoadedPolicy, question: Question | Verdict): Omit<Trial, 'action'> {
  if ('kind' in question) return { verdict: question, facts: null, escapes: [] }
  const decided = decide(compileLoaded(policy), question)
  const escapes = smallestChanges({ bundle: policy.decision(1), question })
  return { ...decided, escapes }
}

type Values = Readonly<Record<string, unknown>>
type Asked = {
  actions: readonly Action[]
  /** of the model that a request asks, where the caller names one */
  model: ModelText | undefined
  /** ids of detectors */
  findings: readonly string[]
}

function askedOf(values: Values, positionals: readonly string[], usage: string): Asked {
  const [call, name] = [text(values['tool-call']), text(values['model'])]
  const serverTools = Array.isArray(values['server-tool']) ? values['server-tool'].map(String) : []
  const model = name === undefined ? undefined : orUsage(readModelFlag(name, serverTools), usage)
  if (model === undefined && serverTools.length > 0) {
    throw new SekishoError('USAGE', '--server-tool is of a model that --model names')
  }
  if (call === undefined) {
    const action = orUsage(readActionText(onePositional(usage, positionals)), usage)
    return { actions: [action], model, findings: [] }
  }
  noPositional(usage, positionals)
  return { ...orUsage(readToolCall(orUsage(readToolCallFlag(call), usage), model), usage), model }
}

type Subject = { policy: LoadedPolicy; action: Action; asked: Asked; values: Values; usage: string }

/** @returns a verdict where the arguments are refused before any policy is asked */
function questionOf({ policy, action, asked, values, usage }: Subject): Question | Verdict {
  const agent = text(values['agent'])
  if (agent === undefined) {
    throw new SekishoError('USAGE', '--agent is missing', { hint: `usage: ${usage}` })
  }
  const rules = policyOfPhase(policy, agent, values['phase'] === 'setup' ? 'setup' : 'agent')
  const flags = Array.isArray(values['fact']) ? values['fact'].map(String) : []
  const { label } = policy.bundle.agent(agent).workspace
  const given = factsOf(orUsage(readFactFlags(flags), usage), label)
  const json = text(values['arguments'])
  const args = json === undefined ? undefined : orUsage(readArgumentsFlag(json), usage)
  const { operations } = policy.decision(1)
  const facts: ActionFacts | Verdict = withOperation(compileLoaded(policy), operations, {
    action,
    facts: withAsked(given, action, asked),
    args,
  })
  if ('kind' in facts) return facts
  const uid = uidOfUser(policy, text(values['user']))
  return { agent, policy: rules, uid, action, facts, nowMs: Date.now() }
}

function withAsked(facts: ActionFacts, action: Action, { model, findings }: Asked): ActionFacts {
  const isAsked = action.kind === 'http.request' && model !== undefined
  return {
    ...facts,
    findings: [...facts.findings, ...findings],
    generate: isAsked ? modelCallOf(model, action) : null,
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function orUsage<T>(read: Read<T>, usage: string): T {
  if ('value' in read) return read.value
  throw new SekishoError('USAGE', read.problem, { hint: read.hint ?? `usage: ${usage}` })
}
