import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from './paths.ts'

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 15_000

/**
 * A daemon for the lifetime of this process. It ends when its standard input closes, so it goes
 * even when this process is killed. @throws SekishoError DAEMON_UNREACHABLE
 */
export async function startDaemon(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<{ pid: number; stop: () => Promise<void> }> {
  const launcher = join(pathsFrom(environment).code, 'packages/sekisho/bin/sekisho')
  const child = spawn(launcher, ['serve', '--until-stdin-closes'], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a Ctrl-C at the terminal is for the command
  })
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => void (said.length < 64 && said.push(chunk)))
  const exited = once(child, 'exit')
  await ready(child, exited, () => Buffer.concat(said).toString())
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      child.stdin.end()
      await exited
      clearTimeout(timer)
    },
  }
}

async function ready(
  child: ReturnType<typeof spawn>,
  exited: Promise<unknown>,
  said: () => string,
): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const started = new Promise<'ready'>((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      if (text.length < 65_536) text += chunk.toString()
      if (/^ready\b/m.test(text)) resolve('ready')
    })
  })
  const first = await Promise.race([started, exited.then(() => 'exited' as const)])
  clearTimeout(timer)
  if (first === 'ready') return
  throw new SekishoError('DAEMON_UNREACHABLE', `the daemon did not start: ${said().trim()}`, {
    hint: 'run `npm start` in the clone and read what it says',
  })
}
