import type { Phase } from '../../wire/schemas.ts'
import { compareText, groupBy } from '../text-groups.ts'
import type { Attempts, Refused } from './attempts.ts'
import { type Ground, networkOf, sortOut } from './candidates.ts'
import { type Draft, draftRules } from './drafts.ts'
import { sum, type Tally } from './tally.ts'
import { explain, type Words } from './words.ts'

/** One allow rule for a human to review. */
export type ProposedRule = Omit<Draft, 'tally'> & Tally & Words & { id: string }

/** What a session's denials come to. */
export type Proposal = {
  session: string
  agent: string
  phase: Phase
  /** most attempts first */
  rules: readonly ProposedRule[]
  notProposed: readonly (Refused & Tally)[]
  /** denials that no line above counts, because there were too many different ones */
  leftOut: number
  /** counted by the platform without a record of each */
  unrecorded: number
  /** last day of the proposed rules */
  expires: string
}

/** More than this in one review is signed without being read. */
const MAX = { rules: 40, paths: 64, notProposed: 100, alike: 4 }
const DAYS = 30
const DAY_MS = 86_400_000

/** The fewest rules that would have allowed what no rule decided, narrow and with what they cost. */
export function propose(session: string, attempts: Attempts, ground: Ground): Proposal {
  const { candidates, refused } = sortOut(attempts, ground)
  const drafts = draftRules(candidates)
  const room = Math.min(MAX.rules, 2000 - networkOf(ground).rules.length)
  const fitting = drafts.filter(({ paths }) => paths.length <= MAX.paths)
  const tooWide = drafts.filter(({ paths }) => paths.length > MAX.paths)
  const notProposed = condense([
    ...[...attempts.refused, ...refused].map(({ value, tally }) => ({ ...value, ...tally })),
    ...tooWide.map(refuseMany),
    ...fitting.slice(room).map(refuseLate),
  ]).toSorted((a, b) => b.attempts - a.attempts || compareText(a.what, b.what))
  const unlisted = notProposed.slice(MAX.notProposed)
  return {
    session,
    agent: ground.agent.name,
    phase: ground.phase,
    rules: nameRules(fitting.slice(0, room), ground),
    notProposed: notProposed.slice(0, MAX.notProposed),
    leftOut: attempts.leftOut + unlisted.reduce((total, row) => total + row.attempts, 0),
    unrecorded: attempts.unrecorded,
    expires: new Date(ground.nowMs + DAYS * DAY_MS).toISOString().slice(0, 10),
  }
}

/** A flood for one reason is one line. */
function condense(rows: readonly (Refused & Tally)[]): readonly (Refused & Tally)[] {
  return groupBy(rows, ({ because }) => because).flatMap((same) => {
    const [first] = same
    if (first === undefined || same.length <= MAX.alike) return same
    return [
      { ...sum(same), because: first.because, what: `${first.what} and ${same.length - 1} more` },
    ]
  })
}

function refuseMany({ host, methods, paths, tally }: Draft): Refused & Tally {
  const what = `${methods.join(', ')} on ${paths.length} paths of ${host}`
  return {
    because: `more than ${MAX.paths} paths: write a rule with a glob yourself`,
    what,
    ...tally,
  }
}

function refuseLate({ host, methods, tally }: Draft): Refused & Tally {
  const because = 'too many rules for one review: propose again after these'
  return { because, what: `${methods.join(', ')} at ${host}`, ...tally }
}

function nameRules(drafts: readonly Draft[], ground: Ground): ProposedRule[] {
  const taken = new Set(networkOf(ground).rules.map(({ id }) => id))
  return drafts.map((draft) => {
    const { tally, ...rest } = draft
    return {
      id: freeId(`proposed-${draft.host.slice(0, 48)}`, taken),
      ...rest,
      ...tally,
      ...explain(draft, ground.agent),
    }
  })
}

function freeId(wanted: string, taken: Set<string>): string {
  let id = wanted
  for (let count = 2; taken.has(id); count += 1) id = `${wanted}-${count}`
  taken.add(id)
  return id
}
