import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pass } from 'node:timers/promises'
import { stringify } from 'yaml'
import * as z from 'zod'
import { killGroup } from '../agents/execute.ts'
import { type Platform, startPlatform } from '../agents/platform.ts'

export const LAUNCHER = resolve(import.meta.dirname, '../../bin/sekisho')
/** In the text of a shell script, however deep in quotes: the clone may lie in a path with spaces. */
export const QUOTED_LAUNCHER = '"$SEKISHO_LAUNCHER"'

/** A platform of its own below one directory, and what stands beside it. */
export type Instance = Platform & {
  /** holds the home, workspaces and whatever else a test writes; gone after `close` */
  directory: string
  env: Readonly<Record<string, string>>
  close: () => Promise<void>
}

export type InstanceOptions = {
  agents?: Readonly<Record<string, unknown>>
  secrets?: Readonly<Record<string, string>>
  settings?: Readonly<Record<string, unknown>>
  /** further files of the bundle, by name */
  bundle?: Readonly<Record<string, unknown>>
}

const NOTHING_OPEN = { version: 1, name: 'default', presets: 'none' }

/** Starts a platform whose agents are `default` (cut off from the network) and those given. */
export async function openInstance(options: InstanceOptions = {}): Promise<Instance> {
  const { agents = {}, secrets = {}, settings = {}, bundle = {} } = options
  const directory = await mkdtemp(join(tmpdir(), 'sekisho-it-'))
  await chmod(directory, 0o755) // the platform's processes run under uids of their own
  const home = join(directory, 'home')
  await mkdir(join(home, 'policy'), { recursive: true })
  await writeFile(join(home, 'policy/platform.yaml'), stringify({ version: 1, ...settings }))
  for (const [name, content] of Object.entries(bundle)) {
    await mkdir(dirname(join(home, 'policy', name)), { recursive: true })
    await writeFile(join(home, 'policy', name), stringify(content))
  }
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const all = { default: NOTHING_OPEN, ...agents }
    const platform = await startPlatform({ home, agents: all, secrets })
    const close = async (): Promise<void> => {
      await platform.stop()
      await remove()
    }
    return { ...platform, directory, env: environmentOf(home), close }
  } catch (error) {
    await remove()
    throw error
  }
}

/** What a client or a daemon of this home is started with. */
export function environmentOf(home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: home,
    SEKISHO_HOME: home,
    SEKISHO_LAUNCHER: LAUNCHER,
  }
}

const Status = z.looseObject({
  processes: z.record(z.string(), z.int()),
  sessions: z.int(),
  logSize: z.int(),
})

/** Who is who right now. @throws when the daemon does not answer */
export async function processesOf(instance: Platform): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await instance.sekisho('status', '--json')
  if (code !== 0) throw new Error(`sekisho status: ${stderr}`)
  return Status.parse(JSON.parse(stdout)).processes
}

const Sessions = z.looseObject({ sessions: z.array(z.looseObject({ session: z.string() })) })

/** The ids of the sessions that run. */
export async function runningSessions(instance: Platform): Promise<string[]> {
  const { code, stdout, stderr } = await instance.sekisho('ps', '--json')
  if (code !== 0) throw new Error(`sekisho ps: ${stderr}`)
  return Sessions.parse(JSON.parse(stdout)).sessions.map(({ session }) => session)
}

const MAX_SAID_BYTES = 32 * 1024 * 1024
const CLIENT_TIMEOUT_MS = 120_000
const SAYS_TIMEOUT_MS = 90_000

export type Ended = {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A command line in the middle of its life. */
export type Client = {
  process: ChildProcess
  /** resolves once this was said on stdout */
  says(text: string): Promise<void>
  /** stdout so far */
  said(): string
  ended: Promise<Ended>
}

/**
 * Starts a command line with descriptors of the caller's choice. After two minutes it is killed, so that
 * a hanging command is a failed test and not a hanging one.
 */
export function start(
  command: readonly [string, ...string[]],
  options: { env: Readonly<Record<string, string>>; stdio?: StdioOptions; cwd?: string },
): Client {
  const [file, ...args] = command
  const { stdio = ['pipe', 'pipe', 'pipe'], env, cwd } = options
  const child = spawn(file, args, { env, stdio, detached: true, cwd })
  child.stdin?.on('error', () => undefined) // the command has ended without reading all
  const timer = setTimeout(() => killGroup(child), CLIENT_TIMEOUT_MS)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  const ended = once(child, 'close').then((): Ended => {
    clearTimeout(timer)
    const { exitCode: code, signalCode: signal } = child
    return { code, signal, stdout: stdout.text(), stderr: stderr.text() }
  })
  return {
    process: child,
    ended,
    said: () => stdout.text(),
    says: async (text) => {
      const gone = ended.then((end) => {
        if (!stdout.text().includes(text))
          throw new Error(`never said ${text}: ${JSON.stringify(end)}`)
      })
      const late = pass(SAYS_TIMEOUT_MS, undefined, { ref: false }).then(() => {
        throw new Error(`has not said ${text} yet: ${JSON.stringify(stdout.text())}`)
      })
      await Promise.race([stdout.holds(text), gone, late])
    },
  }
}

/** `sekisho run -- ARGUMENT…` with options of the client before the command in `options.flags`. */
export function startRun(
  { env }: Pick<Instance, 'env'>,
  command: readonly string[],
  options: { flags?: readonly string[]; stdio?: StdioOptions; cwd?: string } = {},
): Client {
  const { flags = [], ...rest } = options
  return start([LAUNCHER, 'run', ...flags, '--', ...command], { env, ...rest })
}

/** As {@link startRun}, to its end, with `input` on its stdin and then its end of file. */
export async function run(
  instance: Pick<Instance, 'env'>,
  command: readonly string[],
  options: { flags?: readonly string[]; input?: string | Buffer } = {},
): Promise<Ended> {
  const { input = '', flags = [] } = options
  const client = startRun(instance, command, { flags })
  client.process.stdin?.end(input)
  return client.ended
}

type Collected = { text(): string; holds(text: string): Promise<void> }

function collect(stream: Readable | null): Collected {
  const chunks: Buffer[] = []
  const waiting: (() => void)[] = []
  let bytes = 0
  const text = (): string => Buffer.concat(chunks).toString('utf8')
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= MAX_SAID_BYTES) chunks.push(chunk)
    for (const look of waiting) look()
  })
  const holds = (wanted: string): Promise<void> =>
    new Promise((resolveHeld) => {
      const look = (): void => {
        if (text().includes(wanted)) resolveHeld()
      }
      waiting.push(look)
      look()
    })
  return { text, holds }
}
