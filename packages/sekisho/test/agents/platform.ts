import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { stringify } from 'yaml'
import * as z from 'zod'
import { type Executed, execute, killGroup } from './execute.ts'

const LAUNCHER = resolve(import.meta.dirname, '../../bin/sekisho')
const START_TIMEOUT_MS = 180_000
const STOP_TIMEOUT_MS = 120_000
/** Processes, mounts and transcripts of a session take so long at most. */
const END_TIMEOUT_MS = 120_000
const COMMAND_TIMEOUT_MS = 120_000
const MAX_SAID_CHARACTERS = 65_536

/** A whole instance of the platform below one directory, for the lifetime of a test. */
export type Platform = {
  home: string
  /** runs `sekisho ARGUMENT…` as a user would, with nothing of the daemon's environment */
  sekisho(...args: readonly string[]): Promise<Executed>
  /** as `sekisho`, for a command that may take longer */
  sekishoFor(timeoutMs: number, ...args: readonly string[]): Promise<Executed>
  /** what the daemon has printed so far */
  said(): string
  /** idempotent; resolves when the daemon is gone */
  stop: () => Promise<void>
}

const Sessions = z.looseObject({
  sessions: z.array(z.looseObject({ session: z.string(), agent: z.string() })),
})

/**
 * Writes the agent definitions into a bundle below `home` and starts `sekisho serve`.
 * `secrets` is the daemon's own environment: the only place where a real value is.
 */
export async function startPlatform(options: {
  home: string
  agents: Readonly<Record<string, unknown>>
  secrets: Readonly<Record<string, string>>
  /** models.yaml */
  models?: Readonly<Record<string, unknown>> | undefined
}): Promise<Platform> {
  const { home } = options
  const bundle = join(home, 'policy/agents')
  await mkdir(bundle, { recursive: true, mode: 0o755 })
  for (const [name, agent] of Object.entries(options.agents)) {
    await writeFile(join(bundle, `${name}.yaml`), stringify(agent))
  }
  if (options.models !== undefined) {
    await writeFile(join(home, 'policy/models.yaml'), stringify(options.models))
  }
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: home, SEKISHO_HOME: home }
  const daemon = await startDaemon({ ...env, ...options.secrets }, home)
  const sekishoFor: Platform['sekishoFor'] = async (timeoutMs, ...args) =>
    execute([LAUNCHER, ...args], { cwd: home, env, timeoutMs })
  return {
    home,
    said: daemon.said,
    stop: daemon.stop,
    sekisho: async (...args) => sekishoFor(COMMAND_TIMEOUT_MS, ...args),
    sekishoFor,
  }
}

/** The ids of all sessions of this agent, those included that have left nothing, oldest first. */
export async function startedSessions(platform: Platform, agent: string): Promise<string[]> {
  const query = ['log', 'query', '--type', 'session.start', '--json']
  const { code, stdout, stderr } = await platform.sekisho(...query)
  if (code !== 0) throw new Error(`sekisho log query: ${stderr}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Started.parse(JSON.parse(line)).leaf)
    .filter((start) => start.agent === agent)
    .map(({ session }) => session)
}

const Started = z.looseObject({ leaf: z.looseObject({ session: z.string(), agent: z.string() }) })

/** The ids of this agent's sessions that run or have left changes, oldest first. */
export async function sessionsOf(platform: Platform, agent: string): Promise<string[]> {
  const { stdout } = await platform.sekisho('ps', '--all', '--json')
  const { sessions } = Sessions.parse(JSON.parse(stdout))
  return sessions.filter((s) => s.agent === agent).map(({ session }) => session)
}

async function startDaemon(
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ said: () => string; stop: () => Promise<void> }> {
  const child = spawn(LAUNCHER, ['serve', '--until-stdin-closes'], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const exited = once(child, 'exit')
  let said = ''
  const ready = new Promise<'ready'>((resolveReady) => {
    const listen = (chunk: Buffer): void => {
      if (said.length < MAX_SAID_CHARACTERS) said += chunk.toString()
      if (/^ready\b/m.test(said)) resolveReady('ready')
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
  })
  const timer = setTimeout(() => killGroup(child), START_TIMEOUT_MS)
  const first = await Promise.race([ready, exited])
  clearTimeout(timer)
  if (first !== 'ready') throw new Error(`the daemon did not start: ${said}`)
  const stop = async (): Promise<void> => {
    const last = setTimeout(() => killGroup(child), STOP_TIMEOUT_MS)
    child.stdin.end()
    await exited
    clearTimeout(last)
  }
  return { said: () => said, stop }
}

const Leaf = z.looseObject({
  type: z.string(),
  session: z.string().nullable().optional(),
  id: z.string().optional(),
  action: z.looseObject({ kind: z.string(), host: z.string().nullable().optional() }).optional(),
  verdict: z.looseObject({ kind: z.string(), rules: z.array(z.string()) }).optional(),
  credentials: z.array(z.string()).optional(),
  outcome: z.looseObject({ kind: z.string() }).optional(),
})
export type Leaf = z.infer<typeof Leaf>
const Indexed = z.looseObject({ index: z.int(), leaf: Leaf })

/** Every program that is started has one; the `action` in it is an id. */
const OfExec = z.looseObject({ leaf: z.looseObject({ type: z.literal('process.exec') }) })

/** A session's leaves, but for those of its execs, as `sekisho log show --json` prints them: `{index, leaf}`, one a line. */
export async function readLog(platform: Platform, session: string): Promise<Leaf[]> {
  const { code, stdout, stderr } = await platform.sekisho(
    'log',
    'show',
    '--session',
    session,
    '--json',
  )
  if (code !== 0) throw new Error(`sekisho log show: ${stderr}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
    .filter((line) => !OfExec.safeParse(line).success)
    .map((line) => Indexed.parse(line).leaf)
}

/** The leaf with which a session ends. */
export async function endOf(platform: Platform, session: string): Promise<Leaf> {
  const end = (await readLogToEnd(platform, session)).find(({ type }) => type === 'session.end')
  if (end === undefined) throw new Error(`${session} has no end`)
  return end
}

/**
 * As `readLog`, once the session has ended: that comes a moment after the command that began it is
 * over, and so may what its last requests came to.
 */
export async function readLogToEnd(platform: Platform, session: string): Promise<Leaf[]> {
  for (const untilMs = performance.now() + END_TIMEOUT_MS; performance.now() < untilMs; ) {
    const leaves = await readLog(platform, session)
    if (leaves.some(({ type }) => type === 'session.end')) return leaves
  }
  throw new Error(`${session} has not ended`)
}

/** Rules of the alarms that a client's own log is not what it should be. */
export function alarmsOf(leaves: readonly Leaf[]): string[] {
  return leaves
    .filter(({ type }) => type === 'alert')
    .map((alert) => String(alert['rule']))
    .filter((rule) => rule.startsWith('transcript.'))
}
