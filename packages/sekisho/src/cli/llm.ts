import { SekishoError } from '../core/error.ts'
import type { Command, Terminal } from './command.ts'

type Run = (usage: string, argv: readonly string[], terminal: Terminal) => Promise<number>
type Action = { usage: string; load: () => Promise<Run> }

const OF_CALLS = '[--model PROVIDER:MODEL] [--since TIME] [--until TIME]'
const OF_LOG = '[--log DIRECTORY] [--index FILE]'

/** One file and one line each. */
const ACTIONS: Readonly<Record<string, Action>> = {
  calls: {
    usage: `[SESSION] ${OF_CALLS} [--json] ${OF_LOG}`,
    load: async () => (await import('./llm-calls.ts')).llmCalls,
  },
  show: {
    usage: 'CALL [--session ID] [--side request|reply] [--json] [--index FILE]',
    load: async () => (await import('./llm-show.ts')).llmShow,
  },
  coverage: {
    usage: `[SESSION] ${OF_CALLS} [--require-full] [--json] ${OF_LOG}`,
    load: async () => (await import('./llm-coverage.ts')).llmCoverage,
  },
  export: {
    usage: `SESSION ${OF_CALLS} [--index FILE]`,
    load: async () => (await import('./llm-show.ts')).llmExport,
  },
  erase: {
    usage: 'SESSION [--json]',
    load: async () => (await import('./llm-erase.ts')).llmErase,
  },
  spend: {
    usage:
      '[--by session|agent|user|model|provider|day] [--session ID] [--agent NAME] [--user NAME] [--model PROVIDER:MODEL] [--since TIME] [--until TIME] [--json] [--log DIRECTORY] [--index FILE]',
    load: async () => (await import('./llm-spend.ts')).llmSpend,
  },
  budgets: {
    usage: '[--json]',
    load: async () => (await import('./llm-spend.ts')).llmBudgets,
  },
}

export const llm: Command = {
  name: 'llm',
  summary: 'Show calls of models: what was asked and said, what looked at it, and what it came to',
  usage: Object.entries(ACTIONS)
    .map(([name, { usage }]) => `sekisho llm ${name} ${usage}`)
    .join(' | '),
  async run(argv, terminal) {
    const [name = '', ...rest] = argv
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (action === undefined) {
      throw new SekishoError('USAGE', `llm ${name}`.trimEnd(), { hint: `usage: ${llm.usage}` })
    }
    const run = await action.load()
    return run(`sekisho llm ${name} ${action.usage}`, rest, terminal)
  },
}
