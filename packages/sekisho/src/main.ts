import type { Command } from './cli/command.ts'

/** Loaded on demand: `run` must not pay for the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./cli/run.ts')).run,
  output: async () => (await import('./cli/output.ts')).output,
  ps: async () => (await import('./cli/ps.ts')).ps,
  stop: async () => (await import('./cli/stop.ts')).stop,
  diff: async () => (await import('./cli/diff.ts')).diff,
  apply: async () => (await import('./cli/apply.ts')).apply,
  snapshot: async () => (await import('./cli/snapshot.ts')).snapshot,
  restore: async () => (await import('./cli/restore.ts')).restore,
  fork: async () => (await import('./cli/fork.ts')).fork,
  rm: async () => (await import('./cli/rm.ts')).rm,
  logs: async () => (await import('./cli/logs.ts')).logs,
  llm: async () => (await import('./cli/llm.ts')).llm,
  log: async () => (await import('./cli/log.ts')).log,
  status: async () => (await import('./cli/status.ts')).status,
  approvals: async () => (await import('./cli/approvals.ts')).approvals,
  mandate: async () => (await import('./cli/mandate.ts')).mandate,
  quarantine: async () => (await import('./cli/quarantine.ts')).quarantine,
  identity: async () => (await import('./cli/identity.ts')).identity,
  root: async () => (await import('./cli/root.ts')).root,
  operator: async () => (await import('./cli/operator.ts')).operator,
  policy: async () => (await import('./cli/policy.ts')).policy,
  image: async () => (await import('./cli/image.ts')).image,
  drill: async () => (await import('./cli/drill.ts')).drill,
  witness: async () => (await import('./cli/witness.ts')).witness,
  serve: async () => (await import('./cli/serve.ts')).serve,
  version: async () => (await import('./cli/version.ts')).version,
}

/** These touch nothing of an instance. */
const ANYWHERE: readonly string[] = ['version', 'policy', 'mandate', 'witness']

async function main(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) return help(name)
  const { terminal } = await import('./cli/terminal.ts')
  try {
    const command = await load()
    if (rest[0] === '--help' || rest[0] === '-h') {
      terminal.out(`${command.summary}\n\nusage: ${command.usage}`)
      return 0
    }
    if (!ANYWHERE.includes(name)) {
      const { enterOwnNamespace } = await import('./cli/own-namespace.ts')
      enterOwnNamespace(process.env)
    }
    return await command.run(rest, terminal)
  } catch (thrown) {
    const { report } = await import('./cli/report.ts')
    return report(wrapperOf(name, rest), thrown, terminal)
  }
}

/** `restore` runs a command, with that command's exit codes, only where one follows. */
function wrapperOf(name: string, rest: readonly string[]): string {
  return name === 'restore' && !rest.includes('--') ? 'restore actions' : name
}

async function help(name: string): Promise<number> {
  const { terminal } = await import('./cli/terminal.ts')
  const asked = ['help', '--help', '-h'].includes(name)
  const say = (line: string): void => (asked ? terminal.out(line) : terminal.err(line))
  if (!asked) say(`sekisho: no command ${name}`)
  for (const load of Object.values(COMMANDS)) {
    const { usage, summary } = await load()
    say(`  ${usage}\n      ${summary}`)
  }
  return asked ? 0 : 64
}

// The exit is explicit: an open handle must not keep a finished command waiting.
const code = await main(process.argv.slice(2))
const { flush } = await import('./cli/terminal.ts')
await flush()
process.exit(code)
