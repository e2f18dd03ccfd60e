import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import type { Peer, Shape } from '../wire/peer.ts'
import { connect } from './client.ts'
import type { Command, Terminal } from './command.ts'

/**
 * The hot path of the command line: it loads no schema library, so what it needs of a reply is
 * checked by hand here. The daemon checks everything that it receives.
 */
const anything: Shape = { safeParse: (data) => ({ success: true, data }) }
type End = {
  exitCode: number
  reason: string
  message: string | null
  hint: string | null
  session: string
}
const ended: Shape<End> = {
  safeParse: (value) =>
    isEnd(value)
      ? { success: true, data: value }
      : { success: false, error: { message: 'want a session end' } },
}

const started: Shape<{ session: string }> = {
  safeParse: (value) =>
    typeof value === 'object' &&
    value !== null &&
    'session' in value &&
    typeof value.session === 'string'
      ? { success: true, data: { session: value.session } }
      : { success: false, error: { message: 'want a session' } },
}

function isEnd(value: unknown): value is End {
  return (
    typeof value === 'object' &&
    value !== null &&
    'exitCode' in value &&
    typeof value.exitCode === 'number' &&
    'reason' in value &&
    typeof value.reason === 'string'
  )
}
const protocol = {
  run: { params: anything, result: ended },
  start: { params: anything, result: started },
  signal: { params: anything, result: anything },
  resize: { params: anything, result: anything },
} as const

type Options = {
  isDetached: boolean
  agent: string
  workspace: string | null
  from: string | null
  /** undefined: what the agent file says */
  setup: string | null | undefined
  command: string[]
}

export const run: Command = {
  name: 'run',
  summary: 'Run a command in a session of its own',
  usage:
    'sekisho run [--agent NAME] [--workspace DIR] [--from SNAPSHOT] [--setup COMMAND | --no-setup] [--detach] -- COMMAND [ARGUMENT…]',

  async run(argv, terminal) {
    if (argv[0] === '--help' || argv[0] === '-h') {
      terminal.out(`${run.summary}\n\nusage: ${run.usage}`)
      return 0
    }
    const options = parse(argv)
    if (options.isDetached) return startDetached(options, terminal)
    const { peer, release } = await reach()
    // process.stdin would be opened by looking at it, for a millisecond and nothing
    const interactive = isatty(0) && isatty(1)
    forwardSignals(peer)
    const restore = interactive ? enterRawMode(peer) : undefined
    try {
      const end = await peer.call('run', requestOf(options, interactive), { timeoutMs: Infinity })
      restore?.()
      explain(end, (line) => terminal.err(line))
      return end.exitCode
    } finally {
      restore?.()
      peer.close()
      await release()
    }
  },
}

/** A session that goes on by itself needs a daemon that does. */
async function startDetached(options: Options, terminal: Terminal): Promise<number> {
  const peer = await connect(pathsFrom(process.env).apiSocket, protocol)
  try {
    const { terminal: _none, ...request } = requestOf(options, false)
    // it begins when its setup phase has ended
    const { session } = await peer.call('start', request, { timeoutMs: Infinity })
    terminal.out(session)
    return 0
  } finally {
    peer.close()
  }
}

const OPTIONS: readonly string[] = ['--agent', '--workspace', '--from', '--setup']
const SWITCHES: readonly string[] = ['--detach', '--no-setup']

/** Options come before the command; what follows it is the command's own. */
function parse(argv: readonly string[]): Options {
  const options: Options = {
    isDetached: false,
    agent: 'default',
    workspace: null,
    from: null,
    setup: undefined,
    command: [],
  }
  let at = 0
  for (let word = argv[0]; isOption(word); word = argv[at]) {
    const [name = '', inline] = word.split(/=(.*)/s)
    if (SWITCHES.includes(word)) {
      if (word === '--detach') options.isDetached = true
      else options.setup = null
      at += 1
      continue
    }
    take(options, name, inline ?? argv[at + 1] ?? '')
    at += inline === undefined ? 2 : 1
  }
  options.command = argv.slice(argv[at] === '--' ? at + 1 : at)
  if (options.command.length === 0) throw usage('no command')
  return options
}

function isOption(word: string | undefined): word is string {
  return word !== undefined && word.startsWith('-') && word !== '--'
}

function take(options: Options, name: string, value: string): void {
  if (!OPTIONS.includes(name)) throw usage(`${name} is no option of run`)
  if (value === '') throw usage(`${name} wants a value`)
  if (name === '--agent') options.agent = value
  else if (name === '--from') options.from = value
  else if (name === '--setup') options.setup = value
  else options.workspace = resolve(value)
}

function usage(problem: string): SekishoError {
  return new SekishoError('USAGE', problem, { hint: `usage: ${run.usage}` })
}

type Request = {
  agent: string
  argv: string[]
  workspace: string | null
  from: string | null
  setup?: string | null
  terminal: { columns: number; rows: number; type: string } | null
}

function requestOf(
  { agent, workspace, from, setup, command }: Options,
  interactive: boolean,
): Request {
  return {
    agent,
    argv: command,
    workspace,
    from,
    ...(setup === undefined ? {} : { setup }),
    terminal: interactive ? { ...windowSize(), type: process.env['TERM'] ?? 'dumb' } : null,
  }
}

/** A terminal that says 0 (a serial line, a window half set) has the size of old. */
function windowSize(): { columns: number; rows: number } {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }
}

/** Without a running daemon, one is started for this command's lifetime. */
async function reach(): Promise<{ peer: Peer<typeof protocol>; release: () => Promise<void> }> {
  const { apiSocket } = pathsFrom(process.env)
  try {
    return { peer: await connect(apiSocket, protocol), release: async () => undefined }
  } catch (error) {
    if (!(error instanceof SekishoError) || error.code !== 'DAEMON_UNREACHABLE') throw error
    const { startDaemon } = await import('../daemon/own-daemon.ts')
    const daemon = await startDaemon()
    return { peer: await connect(apiSocket, protocol), release: daemon.stop }
  }
}

const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
] as const

function forwardSignals(peer: Peer<typeof protocol>): void {
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      // the command may have ended in between; its end is what the caller sees then
      peer.call('signal', { signal }).catch(() => undefined)
    })
  }
}

/** The sandbox has a terminal of its own; ours passes every key through untouched. */
function enterRawMode(peer: Peer<typeof protocol>): () => void {
  process.stdin.setRawMode(true)
  // Node's raw mode still turns LF into CR LF on the way out, which the sandbox's terminal has
  // done already, or not done because its program draws the screen. setRawMode(false) undoes this.
  const { spawnSync } = process.getBuiltinModule('node:child_process') // not loaded on the hot path
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
  // not SIGWINCH: whether Node has read the new size by then depends on who listened first
  process.stdout.on('resize', () => {
    peer.call('resize', windowSize()).catch(() => undefined) // as above
  })
  let raw = true
  return () => {
    if (!raw) return
    raw = false
    process.stdin.setRawMode(false)
  }
}

function explain(end: End, say: (line: string) => void): void {
  if (end.reason === 'exit' && end.message === null) return
  say(`sekisho: session ${end.session} ended: ${end.message ?? end.reason}`)
  if (end.hint !== null) say(`hint: ${end.hint}`)
}
