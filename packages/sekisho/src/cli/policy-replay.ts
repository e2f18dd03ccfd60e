import { SekishoError } from '../core/error.ts'
import type { Verdict } from '../core/verdict.ts'
import { describeActionText } from '../policy-text/trial/action-text.ts'
import {
  type Changed,
  type NotReplayed,
  type Replay,
  Replayer,
} from '../policy-text/trial/replay.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { loggedActions } from './logged-actions.ts'
import { readBundle } from './policy-bundle.ts'
import { printable } from './terminal.ts'

const DEFAULT_LIMIT = 50

/** Decides what is in the log by a bundle that is not in force. 0: as then; 1: not all of it. */
export async function replayLog(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    log: { type: 'string' },
    session: { type: 'string' },
    limit: { type: 'string' },
  })
  const limit = readLimit(values['limit'], usage)
  const { policy, directory } = await readBundle(maybePositional(usage, positionals), terminal)
  const replayer = new Replayer(policy)
  let unreadable = 0
  for await (const entry of loggedActions(text(values['log']), text(values['session']))) {
    if (entry.kind === 'action') replayer.add(entry.logged)
    else if (entry.kind === 'unreadable') unreadable += 1
  }
  const result = replayer.result()
  if (values['json'] === true) terminal.out(JSON.stringify({ ...result, unreadable }))
  else for (const line of linesOf(directory, { result, unreadable, limit })) terminal.out(line)
  return result.changed.length === 0 ? 0 : 1
}

type Shown = { result: Replay; unreadable: number; limit: number }

function linesOf(directory: string, { result, unreadable, limit }: Shown): readonly string[] {
  const { decided, changed, notReplayed } = result
  const more = changed.length - limit
  return [
    `${directory}: ${decided} actions decided again, ${changed.length} otherwise than they were`,
    ...changed.slice(0, limit).map(describeChanged),
    ...(more > 0 ? [`  and ${more} more (--limit, or --json for all)`] : []),
    ...Object.entries(REASONS).flatMap(([why, reason]) => {
      const count = isReason(why) ? notReplayed[why] : 0
      return count === 0 ? [] : [`  not decided again: ${count}, ${reason}`]
    }),
    ...(result.withoutLabels === 0
      ? []
      : [
          `  ${result.withoutLabels} of these are names, decided again without labels: the log has none`,
        ]),
    ...(unreadable === 0
      ? []
      : [`  not decided again: ${unreadable}, whose leaves this version does not read`]),
  ]
}

const REASONS: Readonly<Record<NotReplayed, string>> = {
  arguments: 'declared operations, whose arguments are not in the log',
  agent: 'of agents that this bundle does not have',
  'not-policy': 'refused by what is no policy: detectors, limits, the form of a request',
  'no-facts': 'of which the log does not say what they were decided by',
}

function isReason(why: string): why is NotReplayed {
  return Object.hasOwn(REASONS, why)
}

function describeChanged({ index, agent, action, before, after }: Changed): string {
  const what = `${String(index).padStart(6)} ${agent} ${describeActionText(action)}`
  return `  ${printable(`${what}: ${kindOf(before)} → ${kindOf(after)} by ${after.rules.join(', ')}`)}`
}

function kindOf(verdict: Verdict): string {
  if (verdict.kind !== 'hold') return verdict.kind
  return `hold (${(verdict.needs ?? ['approver']).join(', ')})`
}

function readLimit(given: unknown, usage: string): number {
  if (given === undefined) return DEFAULT_LIMIT
  const limit = Number(given)
  if (Number.isInteger(limit) && limit >= 0) return limit
  throw new SekishoError('USAGE', '--limit wants a number', { hint: `usage: ${usage}` })
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
