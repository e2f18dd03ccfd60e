import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

export type Executed = { code: number | null; stdout: string; stderr: string }

export type ExecuteOptions = {
  cwd: string
  env: Readonly<Record<string, string>>
  timeoutMs: number
}

/**
 * Runs a command in a process group of its own and collects its output. After `timeoutMs` the
 * whole group is killed and `code` is null, so nothing of it outlives the test.
 */
export async function execute(
  command: readonly [string, ...string[]],
  { cwd, env, timeoutMs }: ExecuteOptions,
): Promise<Executed> {
  const [file, ...args] = command
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const timer = setTimeout(() => killGroup(child), timeoutMs)
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      collect(child.stdout),
      collect(child.stderr),
      once(child, 'close'),
    ])
    return { code: typeof code === 'number' ? code : null, stdout, stderr }
  } finally {
    clearTimeout(timer)
  }
}

/** Kills the process group that `child` leads; a group that is already gone is no failure. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('output is bytes')
    bytes += chunk.length
    if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
