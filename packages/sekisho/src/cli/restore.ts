import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { SnapshotStore } from '../daemon/snapshot-store.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { restoreActions } from './restore-actions.ts'
import { run } from './run.ts'
import { tellLeftOut } from './snapshot.ts'

export const restore: Command = {
  name: 'restore',
  summary: 'Put back what a session changed outside; or run a command from a snapshot',
  usage:
    'sekisho restore SESSION|ACTION [--dry-run] [--force] [--json] | sekisho restore SNAPSHOT [--agent NAME] -- COMMAND [ARGUMENT…]',
  run: async (argv, terminal) => {
    if (!argv.includes('--')) return restoreActions(restore.usage, argv, terminal)
    const { subject, agent, command } = parseStart(restore.usage, argv)
    return runFrom(subject, { agent, command, terminal })
  },
}

export type Start = { subject: string; agent: string | null; command: readonly string[] }

/**
 * `SUBJECT [--agent NAME] -- COMMAND…`; what follows `--` is the command's own.
 *
 * @throws SekishoError USAGE
 */
export function parseStart(usage: string, argv: readonly string[]): Start {
  const end = argv.indexOf('--')
  const command = end === -1 ? [] : argv.slice(end + 1)
  if (command.length === 0) {
    throw new SekishoError('USAGE', 'no command after --', { hint: `usage: ${usage}` })
  }
  const own = { agent: { type: 'string' } } as const
  const { values, positionals } = jsonFlag(usage, argv.slice(0, end), own)
  const { agent } = values
  const subject = onePositional(usage, positionals)
  return { subject, agent: typeof agent === 'string' ? agent : null, command }
}

/** Over the directory that the snapshot is of, as the agent that made it unless another is named. */
export async function runFrom(
  snapshot: string,
  options: { agent: string | null; command: readonly string[]; terminal: Terminal },
): Promise<number> {
  const store = new SnapshotStore(pathsFrom(process.env).state)
  const id = store.resolve(snapshot)
  const index = await store.read(id)
  tellLeftOut(index, options.terminal)
  const agent = ['--agent', options.agent ?? index.agent]
  const workspace = index.workspace === null ? [] : ['--workspace', index.workspace]
  const argv = [...agent, ...workspace, '--from', id, '--', ...options.command]
  return run.run(argv, options.terminal)
}
