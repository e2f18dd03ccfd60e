import { readLeaves } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import {
  type KeptActions,
  KeptActionsReader,
  type PlannedItem,
  planRestore,
} from '../daemon/restore-leaves.ts'
import { api } from '../wire/api.ts'
import {
  MAX_RESTORED,
  type RestoreOutcome,
  type RestoreRequest,
  type RestoreResult,
} from '../wire/restore.ts'
import { SessionId } from '../wire/schemas.ts'
import { connect } from './client.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { printable, table } from './terminal.ts'

/** Above what control gives one call. */
const TIMEOUT_MS = 11 * 60_000

type Row = RestoreOutcome & Pick<PlannedItem, 'url' | 'keptBack'>

/**
 * Puts back what a session's actions changed outside, or one action's own.
 *
 * @returns 0 when everything is as it was before, or in a dry run could be; else 1
 * @throws SekishoError SESSION_UNKNOWN where nothing was kept of it
 */
export async function restoreActions(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    'dry-run': { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
  })
  const subject = onePositional(usage, positionals)
  const flags = { isDryRun: values['dry-run'] === true, isForced: values['force'] === true }
  const { session, agent, planned } = await findActions(subject, flags.isForced)
  const results: RestoreResult[] = []
  const rows: Row[] = []
  for (let at = 0; at < planned.length; at += MAX_RESTORED) {
    const some = planned.slice(at, at + MAX_RESTORED)
    const items = some.map(({ item }) => item)
    const result = await ask({ of: session, agent, items, ...flags })
    results.push(result)
    rows.push(...result.outcomes.map((outcome, index) => rowOf(outcome, some[index])))
  }
  if (values['json'] === true) {
    const sessions = results.map((result) => result.session)
    terminal.out(JSON.stringify({ of: session, sessions, resources: rows }))
  } else print(rows, results, terminal)
  return rows.every(isWell) ? 0 : 1
}

type Found = { session: string; agent: string; planned: PlannedItem[] }

async function findActions(subject: string, isForced: boolean): Promise<Found> {
  const isSession = SessionId.safeParse(subject).success
  const session = isSession ? subject : await sessionOf(subject)
  const actions = await readActions(session)
  const planned = planRestore(actions, { from: isSession ? null : subject, isForced })
  const { agent } = actions
  if (agent !== null && planned.length > 0) return { session, agent, planned }
  throw nothingKept(subject)
}

/** The session that an action with a pre-image is of. */
async function sessionOf(action: string): Promise<string> {
  for await (const leaf of leavesOf(undefined)) {
    const session = SessionId.safeParse(leaf['session'])
    const isIt = leaf['type'] === 'action.preimage' && leaf['id'] === action
    if (isIt && session.success) return session.data
  }
  throw nothingKept(action)
}

async function readActions(session: string): Promise<KeptActions> {
  const reader = new KeptActionsReader()
  for await (const leaf of leavesOf(session)) reader.take(leaf)
  return reader.read()
}

async function* leavesOf(
  session: string | undefined,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const directory = logDirectory()
  try {
    for await (const { leaf } of readLeaves(directory, { session })) yield leaf
  } catch (error) {
    throw unreadable(directory, error)
  }
}

function nothingKept(subject: string): SekishoError {
  return new SekishoError('SESSION_UNKNOWN', `nothing was kept before ${printable(subject)}`, {
    hint: 'what may be put back has `recovery` on its rule; see docs/guides/recovery.md',
  })
}

async function ask(request: RestoreRequest): Promise<RestoreResult> {
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  try {
    return await peer.call('restore.run', request, { timeoutMs: TIMEOUT_MS })
  } finally {
    peer.close()
  }
}

function rowOf(outcome: RestoreOutcome, planned: PlannedItem | undefined): Row {
  return { ...outcome, url: planned?.url ?? '', keptBack: planned?.keptBack ?? 0 }
}

function isWell({ did, keptBack }: Row): boolean {
  return did !== 'failed' && did !== 'changed-since' && keptBack === 0
}

function print(rows: readonly Row[], results: readonly RestoreResult[], terminal: Terminal): void {
  const lines = rows.map(({ url, did, detail }) => [printable(url), did, printable(detail)])
  for (const line of table([['RESOURCE', 'RESULT', 'DETAIL'], ...lines])) terminal.out(line)
  for (const { url, keptBack } of rows) {
    if (keptBack === 0) continue
    terminal.err(
      `${printable(url)}: as somebody else left it after ${keptBack} earlier actions, which stay; --force takes them back too`,
    )
  }
  const counts = Map.groupBy(rows, ({ did }) => did)
  const said = [...counts].map(([did, some]) => `${some.length} ${did}`).join(', ')
  const recorded = results.map(({ session }) => session).join(', ')
  terminal.out(`${said}; recorded in session ${recorded}`)
}
