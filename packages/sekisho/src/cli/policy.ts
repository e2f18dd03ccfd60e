import { SekishoError } from '../core/error.ts'
import type { Command, Terminal } from './command.ts'

type Run = (usage: string, argv: readonly string[], terminal: Terminal) => Promise<number>
type Action = { usage: string; load: () => Promise<Run> }

/** Loaded on demand: a check needs no log, a test no z3. */
const ACTIONS: Readonly<Record<string, Action>> = {
  check: {
    usage: '[DIRECTORY] [--json]',
    load: async () => (await import('./policy-check.ts')).checkPolicy,
  },
  test: {
    usage: '[DIRECTORY] [--json]',
    load: async () => (await import('./policy-test.ts')).testPolicy,
  },
  try: {
    usage:
      "--agent NAME [--user NAME] [--phase setup] [--fact NAME=VALUE …] [--arguments JSON] [--model PROVIDER:MODEL [--server-tool TYPE …]] [--bundle DIRECTORY] [--json] 'GET https://…'|--tool-call JSON",
    load: async () => (await import('./policy-try.ts')).tryAction,
  },
  explain: {
    usage: 'LEAF [--log DIRECTORY] [--bundle DIRECTORY] [--json]',
    load: async () => (await import('./policy-explain.ts')).explainLeaf,
  },
  diff: {
    usage: 'BEFORE AFTER [--json]',
    load: async () => (await import('./policy-diff.ts')).diffBundles,
  },
  replay: {
    usage: '[DIRECTORY] [--log DIRECTORY] [--session ID] [--limit N] [--json]',
    load: async () => (await import('./policy-replay.ts')).replayLog,
  },
  prove: {
    usage: '[DIRECTORY] [--against DIRECTORY] [--timeout SECONDS] [--json]',
    load: async () => (await import('./policy-prove.ts')).proveBundle,
  },
  sign: {
    usage: '[DIRECTORY] [--key FILE]',
    load: async () => (await import('./policy-sign.ts')).signBundle,
  },
  reload: {
    usage: '[--json]',
    load: async () => (await import('./policy-running.ts')).reloadPolicy,
  },
  status: {
    usage: '[--json]',
    load: async () => (await import('./policy-running.ts')).policyStatus,
  },
  propose: {
    usage: 'SESSION [--bundle DIRECTORY] [--out FILE] [--json]',
    load: async () => (await import('./policy-propose.ts')).proposeRules,
  },
  export: {
    usage:
      '--to k8s-networkpolicy|cilium|gcp-ngfw-terraform [--agent NAME] [--out FILE] [DIRECTORY]',
    load: async () => (await import('./policy-export.ts')).exportFence,
  },
}

export const policy: Command = {
  name: 'policy',
  summary:
    'Check, test, try, explain, compare, replay, prove and sign a policy bundle; put it in force; propose rules; write the outer fence',
  usage: Object.entries(ACTIONS)
    .map(([name, { usage }], index) => `${index === 0 ? 'sekisho ' : ''}policy ${name} ${usage}`)
    .join(' | '),
  async run(argv, terminal) {
    const [name = '', ...rest] = argv
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
    if (action === undefined) {
      throw new SekishoError('USAGE', `policy ${name}`, { hint: `usage: ${policy.usage}` })
    }
    const run = await action.load()
    return run(`sekisho policy ${name} ${action.usage}`, rest, terminal)
  },
}
