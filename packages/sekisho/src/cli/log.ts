import { SekishoError } from '../core/error.ts'
import type { Command, Terminal } from './command.ts'

type Run = (usage: string, argv: readonly string[], terminal: Terminal) => Promise<number>
type Action = { usage: string; load: () => Promise<Run> }

/** One file and one line each. */
const ACTIONS: Readonly<Record<string, Action>> = {
  show: {
    usage: '[--session ID] [--denied] [--json]',
    load: async () => (await import('./log-show.ts')).show,
  },
  query: {
    usage:
      '[WORD …] [--session ID] [--agent NAME] [--user NAME] [--host NAME] [--verdict allow|deny|hold] [--rule ID] [--type TYPE] [--credential NAME] [--approver NAME] [--since TIME] [--until TIME] [--limit N] [--reverse] [--count] [--json] [--log DIRECTORY] [--index FILE]',
    load: async () => (await import('./log-query.ts')).query,
  },
  timeline: {
    usage: 'SESSION [--json] [--log DIRECTORY] [--index FILE]',
    load: async () => (await import('./log-timeline.ts')).timeline,
  },
  replay: {
    usage: 'SESSION [--speed N | --step | --at TIME] [--log DIRECTORY] [--index FILE]',
    load: async () => (await import('./log-replay.ts')).replay,
  },
  sequence: {
    usage: 'SESSION|ACTION [--session ID] [--json] [--log DIRECTORY] [--index FILE]',
    load: async () => (await import('./log-sequence.ts')).sequence,
  },
  export: {
    usage: '--out FILE [--session ID] [--log DIRECTORY] [--key VKEY] [--json]',
    load: async () => (await import('./log-export.ts')).exportLog,
  },
  transcripts: {
    usage: 'SESSION [--show LEAF] [--json]',
    load: async () => (await import('./log-transcripts.ts')).transcripts,
  },
  reconcile: {
    usage: 'SESSION [--json]',
    load: async () => (await import('./log-reconcile.ts')).reconcileSession,
  },
  tiles: {
    usage: '--out DIRECTORY [--key VKEY] [--json] [--log DIRECTORY]',
    load: async () => (await import('./log-tiles.ts')).tiles,
  },
  prove: {
    usage: 'INDEX|ACTION [--session ID] [--out DIRECTORY] [--key VKEY] [--json] [--log DIRECTORY]',
    load: async () => (await import('./log-prove.ts')).prove,
  },
  verify: {
    usage:
      '[PATH] [--root FILE] [--key VKEY] [--checkpoint FILE] [--witness OPERATOR=VKEY …] [--json]',
    load: async () => (await import('./log-verify.ts')).verify,
  },
}

export const log: Command = {
  name: 'log',
  summary:
    'Ask, tell, draw, export, prove and verify the log; works on the files, with or without a running daemon',
  usage: Object.entries(ACTIONS)
    .map(([name, { usage }], index) => `${index === 0 ? 'sekisho ' : ''}log ${name} ${usage}`)
    .join(' | '),
  async run(argv, terminal) {
    const [name = '', ...rest] = argv
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (action === undefined) {
      throw new SekishoError('USAGE', `log ${name}: no such command`, {
        hint: `usage: ${log.usage}`,
      })
    }
    const run = await action.load()
    return run(`sekisho log ${name} ${action.usage}`, rest, terminal)
  },
}
