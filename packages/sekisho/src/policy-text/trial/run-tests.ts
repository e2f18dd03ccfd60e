import { SekishoError } from '../../core/error.ts'
import type { Action } from '../../core/action.ts'
import type { ActionFacts } from '../../core/facts.ts'
import { deny, type Verdict } from '../../core/verdict.ts'
import type { CompiledBundle } from '../../policy/decision/compiled-bundle.ts'
import type { LoadedPolicy } from '../load-policy.ts'
import { factsOf } from './facts-text.ts'
import {
  compileLoaded,
  decide,
  decideAll,
  policyOfPhase,
  uidOfUser,
  UNREADABLE_CALL,
  withOperation,
} from './question.ts'
import { parseTests, type TestRow } from './test-file.ts'
import { modelCallOf, readToolCall } from './tool-call-text.ts'

export type TestResult = {
  file: string
  name: string
  /** what differs from what was expected; empty for a row that passes */
  failures: readonly string[]
}

/**
 * Runs the tables beside a bundle's policies against it.
 *
 * @param files the bundle's; tests are `tests/*.yaml`
 * @throws SekishoError CONFIG_INVALID for a table that is none
 */
export function runTests(
  files: ReadonlyMap<string, string>,
  loaded: LoadedPolicy,
  nowMs: number,
): readonly TestResult[] {
  const bundle = compileLoaded(loaded)
  return [...files]
    .filter(([path]) => path.startsWith('tests/'))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, text]) =>
      parseTests(text, file).map((row) => ({
        file,
        name: row.name,
        failures: failuresOf(row, { bundle, loaded, nowMs }),
      })),
    )
}

type Subject = { bundle: CompiledBundle; loaded: LoadedPolicy; nowMs: number }

function failuresOf(row: TestRow, subject: Subject): readonly string[] {
  try {
    return differences(row, answer(row, subject))
  } catch (error) {
    if (error instanceof SekishoError) return [error.message]
    throw error
  }
}

/** @throws SekishoError for an agent or a user that there is not */
function answer(row: TestRow, { bundle, loaded, nowMs }: Subject): Verdict {
  const { agent, phase } = row
  const policy = policyOfPhase(loaded, agent, phase)
  const given = factsOf(row.facts, loaded.bundle.agent(agent).workspace.label)
  const asked = askedBy(row, given)
  if ('kind' in asked) return asked
  const { operations } = loaded.decision(1)
  const uid = uidOfUser(loaded, row.user)
  return decideAll(asked.actions, (action) => {
    const facts = withOperation(bundle, operations, {
      action,
      facts: asked.facts,
      args: row.arguments,
    })
    if ('kind' in facts) return facts
    return decide(bundle, { agent, policy, uid, action, facts, nowMs }).verdict
  })
}

type Asked = { actions: readonly Action[]; facts: ActionFacts }

/** @returns a verdict for a call that nobody can read, which is denied before any policy is asked */
function askedBy({ action, toolCall, model }: TestRow, facts: ActionFacts): Asked | Verdict {
  if (action !== undefined) {
    const isAsked = model !== undefined && action.kind === 'http.request'
    const generate = isAsked ? modelCallOf(model, action) : null
    return { actions: [action], facts: { ...facts, generate } }
  }
  const read = toolCall === undefined ? { problem: 'no action' } : readToolCall(toolCall, model)
  if ('problem' in read) return deny(UNREADABLE_CALL, read.problem)
  const { actions, findings } = read.value
  return { actions, facts: { ...facts, findings: [...facts.findings, ...findings] } }
}

function differences({ expect, needs, rules }: TestRow, verdict: Verdict): readonly string[] {
  if (verdict.kind !== expect) {
    const by = verdict.rules.join(', ')
    const why = verdict.kind === 'allow' ? '' : `: ${verdict.reason}`
    return [`expected ${expect}, got ${verdict.kind} by ${by}${why}`]
  }
  const asked = verdict.kind === 'hold' ? (verdict.needs ?? ['approver']) : []
  const others = needs !== undefined && needs.toSorted().join() !== asked.toSorted().join()
  const missing = rules.filter((rule) => !verdict.rules.includes(rule))
  return [
    ...(others ? [`expected a hold for ${needs.join(', ')}, got one for ${asked.join(', ')}`] : []),
    ...(missing.length > 0
      ? [`expected ${missing.join(', ')} to decide, got ${verdict.rules.join(', ')}`]
      : []),
  ]
}
