import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 5_000
const MAX_SAID_CHARACTERS = 65_536

/** A process that serves for the length of one benchmark. */
export type PeerProcess = {
  child: ChildProcess
  /** first match of `ready` in what the process said */
  ready: RegExpExecArray
  /** idempotent; resolves when the process is gone */
  stop: () => Promise<void>
}

export type PeerOptions = {
  /** matched against standard output and error together */
  ready: RegExp
  env?: Readonly<Record<string, string>>
  stdio?: StdioOptions
  /** called as soon as the process exists, to serve its extra descriptors */
  onSpawn?: (child: ChildProcess) => void
}

/** Starts `command` and resolves when it says that it is ready; on any failure it is killed. */
export async function startPeer(
  command: readonly [string, ...string[]],
  options: PeerOptions,
): Promise<PeerProcess> {
  const [file, ...args] = command
  const stdio = options.stdio ?? ['pipe', 'pipe', 'pipe']
  const child = spawn(file, args, { env: { ...minimal(), ...options.env }, stdio })
  const exited = once(child, 'exit')
  options.onSpawn?.(child)
  let said = ''
  const ready = new Promise<RegExpExecArray>((resolve) => {
    const listen = (chunk: Buffer): void => {
      if (said.length < MAX_SAID_CHARACTERS) said += chunk.toString()
      const match = options.ready.exec(said)
      if (match !== null) resolve(match)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const first = await Promise.race([ready, exited])
  clearTimeout(timer)
  if (!('index' in first)) throw new Error(`${command.join(' ')} did not start: ${said}`)
  return { child, ready: first, stop: () => stop(child, exited) }
}

/** A peer must not find the benchmark's own proxies or Node options in its environment. */
export function minimal(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/' }
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
