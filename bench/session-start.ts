/**
 * How long a session takes to start, beside bubblewrap (the floor: no network, no filter, no
 * limits, no record) and, as a whole command, beside srt and a bare Node.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { startDaemon } from '../packages/sekisho/src/daemon/own-daemon.ts'
import { pathsFrom } from '../packages/sekisho/src/daemon/paths.ts'
import { type Bench, type BenchResult, measure, type Peer, ratioOf } from './harness.ts'
import { srtCommand } from './peers/srt.ts'

const ROUNDS = 40
const Answer = z.object({ askedAtMs: z.number().optional(), error: z.string().optional() })
const BWRAP = ['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--unshare-all']

const NAMES = {
  session: 'sekisho: request to first instruction',
  floor: 'bwrap: spawn to first instruction',
  bwrap: 'bwrap true, whole',
  run: 'sekisho run -- true, whole command',
  srt: 'srt -c true, whole command',
  node: 'node -e 0, whole command',
} as const

export const bench: Bench = {
  name: 'session-start',
  run: async () => {
    const home = await mkdtemp(join(tmpdir(), 'sekisho-start-'))
    const environment = { ...process.env, SEKISHO_HOME: home }
    try {
      const daemon = await startDaemon(environment)
      try {
        return await compare(home, environment)
      } finally {
        await daemon.stop()
      }
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  },
}

async function compare(home: string, environment: NodeJS.ProcessEnv): Promise<BenchResult> {
  const { apiSocket, code } = pathsFrom(environment)
  const client = fork(
    join(import.meta.dirname, 'session-start/client-main.ts'),
    [apiSocket, ...BWRAP],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  const [srt, ...srtArguments] = await srtCommand(home)
  const launcher = join(code, 'packages/sekisho/bin/sekisho')
  const whole = (file: string, args: readonly string[]): (() => Promise<void>) => {
    return () => runWhole(file, args, environment)
  }
  const peers: Peer[] = [
    { name: NAMES.session, unit: 'ms', sample: () => firstInstruction(client, 'session') },
    { name: NAMES.floor, unit: 'ms', sample: () => firstInstruction(client, 'floor') },
    { name: NAMES.bwrap, unit: 'ms', fn: whole('bwrap', [...BWRAP.slice(1), 'true']) },
    { name: NAMES.run, unit: 'ms', fn: whole(launcher, ['run', '--', 'true']) },
    { name: NAMES.srt, unit: 'ms', fn: whole(srt, [...srtArguments, '-c', 'true']) },
    { name: NAMES.node, unit: 'ms', fn: whole(process.execPath, ['-e', '0']) },
  ]
  try {
    const rows = await measure(peers, { rounds: ROUNDS })
    return {
      rows,
      ratios: {
        vs_bwrap: ratioOf(rows, NAMES.session, NAMES.bwrap),
        vs_srt: ratioOf(rows, NAMES.srt, NAMES.run),
        vs_node: ratioOf(rows, NAMES.run, NAMES.node),
      },
    }
  } finally {
    client.disconnect()
    await once(client, 'exit')
  }
}

/** Milliseconds from the request to the clock that the command inside wrote first. */
async function firstInstruction(client: ChildProcess, kind: 'session' | 'floor'): Promise<number> {
  const { stdout } = client
  if (stdout === null) throw new Error('the client has no output')
  const line = once(stdout, 'data')
  const answer = once(client, 'message')
  client.send(kind)
  const [said] = await answer
  const { askedAtMs, error } = Answer.parse(said)
  if (askedAtMs === undefined) throw new Error(error)
  const [text] = await line
  return Number(String(text)) * 1000 - askedAtMs
}

async function runWhole(
  file: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(file, args, { stdio: 'ignore', env: environment })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`)
}
