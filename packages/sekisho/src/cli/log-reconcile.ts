import { basename } from 'node:path'
import { readLeaves } from '@sekisho/verify'
import { isHousekeeping } from '../transcripts/clients/all.ts'
import type { Claim } from '../transcripts/claim.ts'
import {
  type Difference,
  type Observed,
  type ObservedExec,
  reconcile,
} from '../transcripts/reconcile.ts'
import { LeafInput } from '../wire/leaves.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { readKept } from './kept-content.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { claimsOf, type Transcript, transcriptsOf } from './log-transcripts.ts'
import { printable } from './terminal.ts'

/** Programs that agents are; what one of these starts itself stands in its own log. */
const AGENTS = /^(?:node|claude|codex|gemini|opencode|openclaw)(?:[-.].*)?$/

/** 0 when what agents claim and what was seen agree, 1 when they do not. */
export async function reconcileSession(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {})
  const session = onePositional(usage, positionals)
  await recordReading({ what: 'reconcile', query: argv }, terminal)
  const { claims, unread, uncompared } = await readClaims(await transcriptsOf(session))
  const { agents, ...observed } = await readObserved(session)
  const result = {
    ...reconcile(claims, observed, { clients: agents, isHousekeeping }),
    unread,
    uncompared,
  }
  if (values['json'] === true) terminal.out(JSON.stringify(result))
  else {
    for (const difference of result.differences) terminal.out(describe(difference))
    for (const path of uncompared) terminal.err(`not compared: ${printable(path)}`)
    terminal.err(
      `${result.compared} claims compared with ${observed.execs.length} programs; ${result.notComparable} leave no trace to compare, ${result.housekeeping} shells look like the clients’ own housekeeping, ${unread} lines could not be read; ${result.differences.length} differences`,
    )
  }
  return result.differences.length === 0 ? 0 : 1
}

type Read = { claims: Claim[]; unread: number; uncompared: string[] }

async function readClaims(found: readonly Transcript[]): Promise<Read> {
  const all: Read = { claims: [], unread: 0, uncompared: [] }
  for (const one of found) {
    const { session, digest } = one
    const content = digest && (await readKept({ session, digest, what: 'reconcile' }))
    const read = content ? claimsOf(one, content) : null
    if (read === null) {
      all.uncompared.push(one.path)
      continue
    }
    all.claims.push(...read.claims)
    all.unread += read.unread
  }
  return all
}

async function readObserved(session: string): Promise<Observed & { agents: Set<number> }> {
  const directory = logDirectory()
  const execs: ObservedExec[] = []
  const hosts = new Set<string>()
  try {
    const types = ['process.exec', 'action.intent']
    for await (const { index, leaf } of readLeaves(directory, { session, types })) {
      take(index, leaf, { execs, hosts })
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  const agents = execs.filter(({ path }) => AGENTS.test(basename(path))).map(({ pid }) => pid)
  return { execs, hosts, agents: new Set(agents) }
}

function take(
  index: number,
  leaf: Readonly<Record<string, unknown>>,
  into: { execs: ObservedExec[]; hosts: Set<string> },
): void {
  const { v: _v, at: _at, clock: _clock, state: _state, sig: _sig, ...input } = leaf
  const read = LeafInput.parse(input)
  if (read.type === 'process.exec') {
    const { path, argv, pid, parent } = read
    into.execs.push({ index, path, argv, pid, parent })
  } else if (read.type === 'action.intent' && 'host' in read.action && read.action.host !== null) {
    into.hosts.add(read.action.host)
  }
}

function describe(difference: Difference): string {
  switch (difference.kind) {
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
