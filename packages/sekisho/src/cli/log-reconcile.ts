import { basename } from 'node:path'
import { readLeaves } from '@sekisho/verify'
import { toolRelease, type ToolRelease } from '../core/tool-release.ts'
import { isHousekeeping, readTranscript, withJournals } from '../transcripts/clients/all.ts'
import type { Claim, ClaimedCall } from '../transcripts/claim.ts'
import {
  type Difference,
  type Observed,
  type ObservedExec,
  reconcile,
} from '../transcripts/reconcile.ts'
import { findUnreleased } from '../transcripts/unreleased.ts'
import { LeafInput } from '../wire/leaves.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { readKept } from './kept-content.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { type Transcript, transcriptsOf } from './log-transcripts.ts'
import { printable } from './terminal.ts'

/** Programs that agents are; what one of these starts itself stands in its own log. */
const AGENTS = /^(?:node|claude|codex|gemini|opencode|openclaw)(?:[-.].*)?$/

/** Of a call's arguments. */
const MAX_SHOWN = 200

/** 0 when what agents claim and what was seen agree, 1 when they do not. */
export async function reconcileSession(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {})
  const session = onePositional(usage, positionals)
  await recordReading({ what: 'reconcile', query: argv }, terminal)
  const { claims, calls, unread, uncompared } = await readClaims(await transcriptsOf(session))
  const { agents, released, startedMs, ...observed } = await readObserved(session)
  const found = reconcile(claims, observed, { clients: agents, isHousekeeping })
  const { unreleased, changed, unclaimed, compared } = findUnreleased(calls, released, startedMs)
  const wrongCalls: CallDifference[] = [
    ...unreleased.map((call) => ({ kind: 'unreleased-tool-call', call }) as const),
    ...changed.map((call) => ({ kind: 'changed-tool-call', call }) as const),
  ]
  const result = {
    ...found,
    differences: [...found.differences, ...wrongCalls],
    calls: compared,
    unclaimedCalls: unclaimed,
    unread,
    uncompared,
  }
  if (values['json'] === true) terminal.out(JSON.stringify(result))
  else {
    for (const difference of result.differences) terminal.out(describe(difference))
    for (const path of uncompared) terminal.err(`not compared: ${printable(path)}`)
    terminal.err(
      `${result.compared} claims compared with ${observed.execs.length} programs; ${result.notComparable} leave no trace to compare, ${result.housekeeping} shells look like the clients’ own housekeeping, ${unread} lines, rows or pages could not be read; ${compared} calls of tools compared with those released, ${unclaimed} of which are not in the transcripts; ${result.differences.length} differences`,
    )
  }
  return result.differences.length === 0 ? 0 : 1
}

type Read = { claims: Claim[]; calls: ClaimedCall[]; unread: number; uncompared: string[] }

async function readClaims(found: readonly Transcript[]): Promise<Read> {
  const all: Read = { claims: [], calls: [], unread: 0, uncompared: [] }
  for (const { log, journal } of withJournals(found)) {
    const content = await contentOf(log)
    const beside = journal === null ? null : await contentOf(journal)
    const read = content && readTranscript(log.client, { content, journal: beside })
    if (!read) {
      all.uncompared.push(log.path)
      continue
    }
    for (const claim of read.claims) all.claims.push(claim)
    for (const call of read.calls) all.calls.push(call)
    all.unread += read.unread + [log, journal].filter((one) => one?.truncated).length
    // without it, what was written last is not there
    if (journal !== null && beside === null) all.uncompared.push(journal.path)
  }
  return all
}

/** @returns null for what was not kept */
async function contentOf({ session, digest }: Transcript): Promise<Buffer | null> {
  return digest === null ? null : readKept({ session, digest, what: 'reconcile' })
}

type Seen = {
  execs: ObservedExec[]
  hosts: Set<string>
  /** calls of tools without an outcome, by the id of their intent */
  open: Map<string, ToolRelease>
  released: ToolRelease[]
  /** Unix ms */
  startedMs: number
}

async function readObserved(
  session: string,
): Promise<Observed & Pick<Seen, 'released' | 'startedMs'> & { agents: Set<number> }> {
  const directory = logDirectory()
  const seen: Seen = { execs: [], hosts: new Set(), open: new Map(), released: [], startedMs: 0 }
  try {
    const types = ['session.start', 'process.exec', 'action.intent', 'action.outcome']
    for await (const { index, leaf } of readLeaves(directory, { session, types })) {
      take(index, leaf, seen)
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  const { execs, hosts, open, released, startedMs } = seen
  const agents = execs.filter(({ path }) => AGENTS.test(basename(path))).map(({ pid }) => pid)
  // what has no outcome may have been released
  return {
    execs,
    hosts,
    startedMs,
    released: [...released, ...open.values()],
    agents: new Set(agents),
  }
}

function take(index: number, leaf: Readonly<Record<string, unknown>>, into: Seen): void {
  if (leaf['type'] === 'session.start') {
    into.startedMs = Date.parse(String(leaf['at']))
    return
  }
  const { v: _v, at: _at, clock: _clock, state: _state, sig: _sig, ...input } = leaf
  const read = LeafInput.parse(input)
  if (read.type === 'process.exec') {
    const { path, argv, pid, parent } = read
    into.execs.push({ index, path, argv, pid, parent })
  } else if (read.type === 'action.intent') takeIntent(read, into)
  else if (read.type === 'action.outcome') takeOutcome(read, into)
}

function takeIntent(
  { id, action, verdict }: Extract<LeafInput, { type: 'action.intent' }>,
  { hosts, open }: Seen,
): void {
  if ('host' in action && action.host !== null) hosts.add(action.host)
  if (action.kind !== 'llm.tool-call' || verdict.kind !== 'allow') return
  open.set(id, toolRelease(action))
}

function takeOutcome(
  { id, outcome }: Extract<LeafInput, { type: 'action.outcome' }>,
  { open, released }: Seen,
): void {
  const release = open.get(id)
  if (release === undefined) return
  open.delete(id)
  if (outcome.kind === 'performed') released.push(release)
}

type CallDifference = { kind: 'unreleased-tool-call' | 'changed-tool-call'; call: ClaimedCall }

function describe(difference: Difference | CallDifference): string {
  switch (difference.kind) {
    case 'unreleased-tool-call':
      return describeCall('called and released by nobody', difference.call)
    case 'changed-tool-call':
      return describeCall('called with other arguments than were released', difference.call)
    case 'command-not-seen':
      return printable(`claimed and not seen: ${difference.command}`)
    case 'fetch-not-seen':
      return printable(`claimed and not seen: a fetch of ${difference.url}`)
    case 'command-not-claimed':
      return printable(
        `seen and not claimed: ${difference.command} (leaf ${difference.exec.index})`,
      )
  }
}

function describeCall(what: string, { tool, arguments: text }: ClaimedCall): string {
  return printable(`${what}: ${tool} ${text.slice(0, MAX_SHOWN)}`)
}
