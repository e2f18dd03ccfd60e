import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { readSessionRecord } from '../daemon/session-record.ts'
import { type KeptSnapshot, SnapshotStore } from '../daemon/snapshot-store.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { printable, table } from './terminal.ts'

const USAGE =
  'sekisho snapshot SESSION [--name NAME] [--json] | sekisho snapshot --list [--json] | sekisho snapshot --remove SNAPSHOT'
/** A session's disk is copied byte by byte. */
const TIMEOUT_MS = 310_000

export const snapshot: Command = {
  name: 'snapshot',
  summary: "Keep a session's changes as they are now, without configuration, for other sessions",
  usage: USAGE,
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(USAGE, argv, {
      name: { type: 'string' },
      list: { type: 'boolean', default: false },
      remove: { type: 'string' },
    })
    const json = values['json'] === true
    const { name, remove } = values
    if (values['list'] === true) return list(terminal, json)
    if (typeof remove === 'string') return removeSnapshot(remove, terminal, json)
    const session = onePositional(USAGE, positionals)
    const id = await takeSnapshot(session, typeof name === 'string' ? name : null)
    await report(id, { terminal, json })
    return 0
  },
}

/**
 * @throws SekishoError SESSION_UNKNOWN, SNAPSHOT_INVALID, DAEMON_UNREACHABLE: a snapshot is on
 * record, and the daemon writes that
 */
export async function takeSnapshot(session: string, name: string | null): Promise<string> {
  const { sessions, apiSocket } = pathsFrom(process.env)
  readSessionRecord(sessions, session) // a mistyped id is answered here, in its own words
  const peer = await connect(apiSocket, api)
  try {
    const taken = await peer.call('snapshot.take', { session, name }, { timeoutMs: TIMEOUT_MS })
    return taken.snapshot
  } finally {
    peer.close()
  }
}

async function report(
  id: string,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<void> {
  const { entries, leftOut, dropped } = await storeOf().read(id)
  if (json) {
    terminal.out(JSON.stringify({ snapshot: id, entries: entries.length, leftOut, dropped }))
    return
  }
  terminal.out(`snapshot ${id} of ${entries.length} entries`)
  tellLeftOut({ leftOut, dropped }, terminal)
}

/** What a session that begins with a snapshot does not get of it. */
export function tellLeftOut(
  { leftOut, dropped }: Pick<KeptSnapshot['index'], 'leftOut' | 'dropped'>,
  terminal: Terminal,
): void {
  for (const path of leftOut) {
    terminal.err(`left out ${printable(path)}: configuration begins anew in every session`)
  }
  for (const { path, reason } of dropped) {
    terminal.err(`changed  ${printable(path)}: ${printable(reason)}`)
  }
}

async function list(terminal: Terminal, json: boolean): Promise<number> {
  const { kept, damaged } = await storeOf().list()
  if (json) {
    const snapshots = kept.map(({ id, names, index }) => {
      const { entries, ...about } = index
      return { snapshot: id, names, ...about, entries: entries.length }
    })
    terminal.out(JSON.stringify({ snapshots, damaged }))
    return 0
  }
  const rows = kept.map(({ id, names, index }) => [
    id.slice(0, 14),
    names.join(','),
    index.session,
    index.takenAt,
    printable(index.workspace ?? '-'),
  ])
  for (const line of table([['SNAPSHOT', 'NAME', 'SESSION', 'TAKEN', 'WORKSPACE'], ...rows])) {
    terminal.out(line)
  }
  for (const id of damaged) terminal.err(`damaged  ${id}`)
  return 0
}

function removeSnapshot(text: string, terminal: Terminal, json: boolean): number {
  if (text === '') throw new SekishoError('USAGE', '--remove wants a snapshot', { hint: USAGE })
  const store = storeOf()
  const id = store.resolve(text)
  store.remove(id)
  terminal.out(json ? JSON.stringify({ removed: id }) : `removed  ${id}`)
  return 0
}

function storeOf(): SnapshotStore {
  return new SnapshotStore(pathsFrom(process.env).state)
}
