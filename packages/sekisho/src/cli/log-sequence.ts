import type { IndexedLeaf } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { EVERY_LEAF, type Filter } from '../search/filter.ts'
import { holdOf, membersOf, sessionOf, textOf } from '../search/leaf-fields.ts'
import type { LogIndex } from '../search/log-index.ts'
import { idOf, SequenceCheck, type SequenceFinding } from '../search/sequence-check.ts'
import { searchedWords } from '../search/words.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { SequenceText } from './sequence-text.ts'
import { leavesOfSession } from './session-leaves.ts'
import { printable } from './terminal.ts'

/** Numbers of a gate that are looked for in other sessions, one by one. */
const MAX_LOOKED_FOR = 1000

/**
 * Who told whom, in the order of the log, and what the records say is missing, twice there or at an
 * impossible time: 0 for nothing, 1 where something is.
 */
export async function sequence(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    session: { type: 'string' },
    log: { type: 'string' },
    index: { type: 'string' },
  })
  const wanted = onePositional(usage, positionals)
  const place = placeOf(values)
  await recordReading({ what: 'show', query: ['sequence', ...argv], log: values['log'] }, terminal)
  return withIndex(place, terminal, (index) => {
    const isSession = wanted.startsWith('s-')
    const leaves = isSession
      ? leavesOfSession(index, wanted)
      : leavesOfAction(index, wanted, textOf(values['session']))
    const findings = tell(leaves, {
      terminal,
      isJson: values['json'] === true,
      check: isSession,
      index,
    })
    return findings.some(({ kind }) => kind !== 'note') ? 1 : 0
  })
}

type Telling = { terminal: Terminal; isJson: boolean; check: boolean; index: LogIndex }

function tell(
  leaves: Iterable<IndexedLeaf>,
  { terminal, isJson, check, index }: Telling,
): readonly SequenceFinding[] {
  const words = new SequenceText()
  const checked = new SequenceCheck()
  for (const found of leaves) {
    checked.add(found)
    if (isJson) terminal.out(jsonLine(found))
    else for (const line of words.tell(found)) terminal.out(line)
  }
  const found = checked.findings(check)
  const findings = check ? [...found, ...unused(checked, index)] : found
  if (isJson) terminal.out(jsonLine({ findings }))
  else for (const line of describeFindings(findings)) terminal.out(line)
  return findings
}

function describeFindings(findings: readonly SequenceFinding[]): string[] {
  if (findings.length === 0)
    return ['', 'nothing is missing, twice there, or at an impossible time']
  const lines = findings.map(({ kind, index, text }) =>
    printable(`${kind.toUpperCase().padEnd(9)} ${index === null ? '' : `${index}: `}${text}`),
  )
  return ['', ...lines]
}

/** A gate counts over all sessions: a number that this one lacks is another one's, or nobody's. */
function unused(checked: SequenceCheck, index: LogIndex): SequenceFinding[] {
  return checked.sources.flatMap((source) => {
    const missing = checked.missingOf(source).slice(0, MAX_LOOKED_FOR)
    const nowhere = missing.filter(
      (number) => index.count(withWords(idOf({ source, number }))) === 0,
    )
    if (nowhere.length === 0) return []
    const ids = nowhere.slice(0, 8).map((number) => number.toString(36))
    const text = `gate ${source} gave out ${nowhere.length} numbers that are in no leaf: ${ids.join(', ')}${nowhere.length > ids.length ? ', …' : ''}`
    return [{ kind: 'note' as const, index: null, text }]
  })
}

/**
 * The leaves of one action or hold: what names its id, and the hold that it was approved by.
 *
 * @throws SekishoError SESSION_UNKNOWN, or USAGE for an id that several sessions have
 */
function leavesOfAction(index: LogIndex, id: string, session: string | undefined): IndexedLeaf[] {
  const named = leavesNaming(index, id, session)
  const holds = named.flatMap(({ leaf }) => textOf(membersOf(leaf['hold'])['id']) ?? [])
  const all = new Map(named.map((found) => [found.index, found]))
  for (const hold of holds) {
    for (const found of leavesNaming(index, hold, session)) all.set(found.index, found)
  }
  const leaves = [...all.values()].sort((a, b) => a.index - b.index)
  const sessions = new Set(leaves.map(({ leaf }) => sessionOf(leaf)))
  if (sessions.size === 1) return leaves
  if (sessions.size > 1) {
    throw new SekishoError('USAGE', `${printable(id)} is in ${sessions.size} sessions`, {
      hint: 'say which one with --session',
    })
  }
  throw new SekishoError('SESSION_UNKNOWN', `no leaf names an action ${printable(id)}`, {
    hint: 'give a session, or the id of an action or a hold as `sekisho log show` prints it',
  })
}

const MAX_NAMING = 4096

function leavesNaming(index: LogIndex, id: string, session: string | undefined): IndexedLeaf[] {
  const facets: Filter['facets'] =
    session === undefined ? new Map() : new Map([['session', [session]]])
  const naming: IndexedLeaf[] = []
  for (const found of index.find({ ...withWords(id), facets })) {
    if (names(found, id)) naming.push(found)
    if (naming.length >= MAX_NAMING) break
  }
  return naming
}

function names({ leaf }: IndexedLeaf, id: string): boolean {
  const { action, about } = leaf
  return (
    [leaf['id'], action, about, holdOf(leaf)].includes(id) || membersOf(leaf['hold'])['id'] === id
  )
}

/** @throws SekishoError USAGE for what can be no id */
function withWords(id: string): Filter {
  const words = searchedWords(id.replaceAll('*', ' '))
  if (words.length > 0) return { ...EVERY_LEAF, words }
  throw new SekishoError('USAGE', `${printable(id)} is no id`, {
    hint: 'give a session, or the id of an action or a hold',
  })
}
