import { resolve } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { type ApplyResult, type RatedChange, SessionChanges } from '../daemon/session-changes.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { printable } from './terminal.ts'

const USAGE =
  'sekisho apply SESSION [PATH…] [--include-config] [--force] [--json] | sekisho apply SESSION --bundle FILE'

export const apply: Command = {
  name: 'apply',
  summary: "Copy a session's changes into your directory, all or the named paths",
  usage: USAGE,
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(USAGE, argv, {
      'include-config': { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      bundle: { type: 'string' },
    })
    const [session, ...paths] = positionals
    if (session === undefined) throw usage('a session is missing')
    const json = values['json'] === true
    const bundle = values['bundle']
    if (typeof bundle === 'string') {
      if (paths.length > 0) throw usage('a bundle has whole commits: name no paths')
      await takeBundle(session, resolve(bundle), { terminal, json })
      return 0
    }
    const result = await SessionChanges.use(pathsFrom(process.env), session, (changes) =>
      changes.apply({
        paths: paths.length === 0 ? null : paths,
        includeConfig: values['include-config'] === true,
        force: values['force'] === true,
      }),
    )
    if (json) terminal.out(JSON.stringify(result))
    else print(result, terminal)
    return result.conflicts.length + result.refused.length > 0 ? 1 : 0
  },
}

function usage(problem: string): SekishoError {
  return new SekishoError('USAGE', problem, { hint: `usage: ${USAGE}` })
}

/** Fetching a bundle changes no file of the user's; merging does, hence the list. */
async function takeBundle(
  session: string,
  file: string,
  { terminal, json }: { terminal: Terminal; json: boolean },
): Promise<void> {
  const config = await SessionChanges.use(pathsFrom(process.env), session, async (changes) => {
    await changes.bundle(file)
    const isConfig = ({ risk }: RatedChange): boolean => risk.kind !== 'none'
    return (await changes.list()).changes.filter(isConfig).map(({ path }) => path)
  })
  if (json) {
    terminal.out(JSON.stringify({ bundle: file, config }))
    return
  }
  terminal.out(`written  ${printable(file)}`)
  terminal.out(`next: git fetch ${printable(file)} 'refs/heads/*:refs/remotes/${session}/*'`)
  for (const path of config) {
    terminal.err(
      `config   ${printable(path)}: read it before you merge; it runs commands or steers agents`,
    )
  }
}

function print({ applied, config, conflicts, refused }: ApplyResult, terminal: Terminal): void {
  for (const path of applied) terminal.out(`applied  ${printable(path)}`)
  for (const path of config) {
    const why = 'it runs commands or steers agents; --include-config takes it'
    terminal.err(`config   ${printable(path)}: ${why}`)
  }
  for (const path of conflicts) {
    terminal.err(`conflict ${printable(path)}: you changed it meanwhile; --force overwrites it`)
  }
  for (const { path, reason } of refused) {
    terminal.err(`refused  ${printable(path)}: ${printable(reason)}`)
  }
}
