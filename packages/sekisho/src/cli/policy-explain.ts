import { SekishoError } from '../core/error.ts'
import type { Verdict } from '../core/verdict.ts'
import { policyText } from '../policy-text/policy-text.ts'
import type { LoadedPolicy } from '../policy-text/load-policy.ts'
import { describeActionText } from '../policy-text/trial/action-text.ts'
import {
  compileLoaded,
  decide,
  policyOfPhase,
  type Question,
} from '../policy-text/trial/question.ts'
import { factsOfLeaf, isOfPolicy, type LoggedAction } from '../policy-text/trial/replay.ts'
import { smallestChanges } from '../policy-text/trial/smallest-change.ts'
import type { Terminal } from './command.ts'
import { describeDecision, describeEscapes, factsText } from './decision-text.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { loggedActions } from './logged-actions.ts'
import { readBundle } from './policy-bundle.ts'
import { printable } from './terminal.ts'

/** Why one logged action was decided as it was, and the least that would have allowed it. */
export async function explainLeaf(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    log: { type: 'string' },
    bundle: { type: 'string' },
  })
  const wanted = onePositional(usage, positionals)
  const logged = await findAction(wanted, text(values['log']))
  const { policy } = await readBundle(text(values['bundle']), terminal)
  const explained = explain(logged, policy)
  if (values['json'] === true) {
    const { leaf, index, agent } = logged
    terminal.out(JSON.stringify({ index, agent, leaf, ...explained }))
    return 0
  }
  for (const line of await linesOf(logged, explained, policy)) terminal.out(line)
  return 0
}

/** @param wanted index of a leaf, or id of an action */
async function findAction(wanted: string, log: string | undefined): Promise<LoggedAction> {
  const index = /^\d{1,15}$/.test(wanted) ? Number(wanted) : undefined
  for await (const entry of loggedActions(log)) {
    if (entry.kind === 'unreadable') {
      if (entry.index === index) throw notReadable(index)
      continue
    }
    const { logged } = entry
    if (logged.index === index || logged.leaf.id === wanted) return logged
  }
  throw new SekishoError('USAGE', `the log has no decision ${printable(wanted)}`, {
    hint: 'name the index or the id of an action, as `sekisho log show` prints them',
  })
}

function notReadable(index: number): SekishoError {
  return new SekishoError('USAGE', `leaf ${index} is none that this version explains`, {
    hint: 'see it with `sekisho log show --json`',
  })
}

type Explained = {
  /** null: the bundle that is read now says nothing of it */
  now: ReturnType<typeof decide> | null
  escapes: ReturnType<typeof smallestChanges>
  notes: readonly string[]
}

function explain(logged: LoggedAction, policy: LoadedPolicy): Explained {
  const { leaf, agent, phase, uid, atMs } = logged
  const notes = notesOf(logged, policy)
  if (!policy.bundle.agents.includes(agent)) return { now: null, escapes: [], notes }
  const question: Question = {
    agent,
    policy: policyOfPhase(policy, agent, phase),
    uid,
    action: leaf.action,
    facts: factsOfLeaf(leaf),
    nowMs: atMs,
  }
  const now = decide(compileLoaded(policy), question)
  const isRefused = leaf.verdict.kind !== 'allow' && isOfPolicy(leaf.verdict)
  const found = isRefused ? smallestChanges({ bundle: policy.decision(1), question }) : []
  return { now, escapes: found, notes }
}

/** What keeps this from being the whole truth. */
function notesOf({ leaf, agent }: LoggedAction, { bundle }: LoadedPolicy): readonly string[] {
  return [
    ...(bundle.agents.includes(agent) ? [] : [`the bundle has no agent ${agent} any more`]),
    ...(isOfPolicy(leaf.verdict)
      ? []
      : ['no policy refused it: see docs/errors.md for its rule, which no bundle turns off']),
    ...(leaf.facts === undefined ? ['the log does not say what it was decided by'] : []),
    ...(leaf.facts?.operation === undefined
      ? []
      : ['its arguments are not in the log: what policies say of them is not asked again']),
  ]
}

async function linesOf(
  { index, leaf, agent, atMs }: LoggedAction,
  { now, escapes, notes }: Explained,
  policy: LoadedPolicy,
): Promise<readonly string[]> {
  const { verdict, session, action } = leaf
  // the leaf of a hold has fewer of them than that of a decision
  const facts = verdict.kind === 'hold' ? now?.facts : leaf.facts
  const same = now !== null && isSame(now.verdict, verdict)
  return [
    printable(`${verdict.kind} ${describeActionText(action)}`),
    row('leaf', `${index} of ${session}, agent ${agent}, ${new Date(atMs).toISOString()}`),
    row('rules', verdict.rules.join(', ')),
    ...(verdict.kind === 'allow' ? [] : [row('reason', verdict.reason)]),
    ...(facts === undefined ? [] : [row('facts', factsText(facts))]),
    ...(await policyLines(verdict, policy)),
    ...notes.map((note) => row('note', note)),
    ...(now === null || same
      ? []
      : [
          row('now', `${now.verdict.kind}, by the bundle as it is`),
          ...describeDecision(now, policy),
        ]),
    ...describeEscapes(escapes, policy),
  ]
}

/** The policies that decided, word for word. */
async function policyLines({ rules }: Verdict, policy: LoadedPolicy): Promise<readonly string[]> {
  const lines: string[] = []
  for (const id of rules) {
    const place = policy.cedar.places.get(id)
    const text = await policyText(id, policy)
    if (place === undefined || text === undefined) continue
    lines.push(row('policy', `${id} (${place.file}:${place.line})`))
    lines.push(...text.split('\n').map((line) => `${' '.repeat(14)}${printable(line)}`))
  }
  return lines
}

function row(name: string, content: string): string {
  return `  ${name.padEnd(11)} ${printable(content)}`
}

function isSame(a: Verdict, b: Verdict): boolean {
  return a.kind === b.kind && a.rules.toSorted().join() === b.rules.toSorted().join()
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
