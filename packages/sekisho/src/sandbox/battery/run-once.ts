import { spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import * as z from 'zod'
import { listenForDescriptors } from '../../kernel/descriptors.ts'
import { libc } from '../../kernel/libc.ts'
import type { Reactor } from '../../kernel/reactor.ts'
import { watchSyscalls } from '../../kernel/seccomp-notify.ts'
import { launchCommand } from '../launch.ts'
import type { OciSpec } from '../oci-types.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import type { Scene } from './scene.ts'
import type { Berth } from './stage.ts'

const TIMEOUT_MS = 30_000
const MAX_OUTPUT_BYTES = 1024 * 1024
const EPERM = 1
const TURNS = 8

/** The part of any runtime's configuration that says where its filter reports to. */
const Listened = z.object({
  linux: z.object({ seccomp: z.object({ listenerPath: z.string().optional() }).default({}) }),
})

const Line = z.union([
  z.object({ done: z.number() }),
  z.object({ begins: z.string() }),
  z.object({
    id: z.string(),
    held: z.boolean().nullable(),
    detail: z.string(),
    refused: z.array(z.array(z.string())).optional(),
  }),
])

/** What one battery has told, and what the host saw meanwhile. */
export type Outcome = {
  lines: readonly z.infer<typeof Line>[]
  /** calls that the platform was asked about: number and six arguments, joined by commas */
  recorded: ReadonlySet<string>
  /** how it ended, in words */
  end: string
  /** by SIGKILL, as when all of its memory is taken */
  wasKilled: boolean
  stderr: string
  throttled: number
  /** that the cgroup allows; undefined where the kernel counts no swap */
  swapBytes: number | undefined
  /** what was changed or reached outside */
  disturbed: readonly string[]
}

export type Running = { runtime: Runtime; reactor: Reactor; scene: Scene }

/** Runs the battery of one berth to its end. Never rejects for what the sandbox does. */
export async function runOnce(berth: Berth, spec: OciSpec, around: Running): Promise<Outcome> {
  const { runtime, reactor, scene } = around
  const adapted = runtime.adapt(spec)
  const { listenerPath } = Listened.parse(adapted).linux.seccomp
  const recorded = new Set<string>()
  const watches: { close(): void }[] = []
  if (listenerPath !== undefined) watches.push(record({ listenerPath, recorded, reactor, watches }))
  writeFileSync(join(berth.bundle, 'config.json'), JSON.stringify(adapted))
  try {
    const ended = await execute(berth, { runtime, secret: scene.secret })
    // what was sent is in the canary's sockets: an accept and a read away
    for (let turn = 0; turn < TURNS; turn++) await setImmediate()
    return {
      lines: parse(ended.stdout),
      recorded,
      end: ended.end,
      wasKilled: ended.wasKilled,
      stderr: ended.stderr,
      throttled: berth.limits.throttled(),
      swapBytes: berth.limits.swapBytes(),
      disturbed: scene.disturbed(berth.bundle, [runtime.command(request(berth))[0]]),
    }
  } finally {
    for (const each of watches) each.close()
  }
}

type Recording = {
  listenerPath: string
  recorded: Set<string>
  reactor: Reactor
  watches: { close(): void }[]
}

function record({ listenerPath, recorded, reactor, watches }: Recording): { close(): void } {
  return listenForDescriptors(listenerPath, reactor, (_state, [fd, ...more]) => {
    for (const extra of more) libc.close(extra)
    if (fd === undefined) return
    watches.push(
      watchSyscalls(fd, reactor, ({ nr, args }) => {
        recorded.add([nr, ...args].join())
        return { errno: EPERM }
      }),
    )
  })
}

function request(berth: Berth): Parameters<Runtime['command']>[0] {
  return {
    id: `battery-${process.pid}-${berth.bundle.split('-').at(-1) ?? ''}`,
    bundle: berth.bundle,
    root: join(berth.bundle, 'state'),
    pidFile: join(berth.bundle, 'pid'),
    consoleSocket: null,
  }
}

type Ended = { stdout: string; stderr: string; end: string; wasKilled: boolean }

/** A mutated sandbox may mount and rename in what it was started from: that is its own, too. */
const APART = ['--mount', '--uts', '--propagation', 'slave']
const WITHOUT_SCORE = ['/bin/sh', '-c', 'echo 0 > /proc/self/oom_score_adj; exec "$@"', 'sh']

function execute(
  berth: Berth,
  { runtime, secret }: { runtime: Runtime; secret: string },
): Promise<Ended> {
  const reset = berth.around.resetsOomScore ? WITHOUT_SCORE : []
  const inside = runtime.command(request(berth))
  const command = ['/usr/bin/unshare', ...APART, ...reset, ...inside] as const
  const { file, args } = launchCommand({ cgroupJoin: berth.limits.cgroup.joinPaths, command })
  const leaked = openSync(secret, 'r')
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe', leaked],
    env: { PATH: process.env['PATH'] ?? '', SEKISHO_BATTERY_HOST_SECRET: 'x' },
  })
  closeSync(leaked)
  child.stdin?.end()
  watchCpuProbe(child.stdout, berth)
  const streams = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = []
    let bytes = 0
    stream?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk)
    })
    return () => Buffer.concat(chunks).toString()
  })
  const [stdout = () => '', stderr = () => ''] = streams
  return new Promise((resolve, reject) => {
    // the cgroup and not the child: what the runtime has started must not outlive it
    const timer = setTimeout(() => berth.limits.cgroup.kill(), TIMEOUT_MS)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      berth.limits.cgroup.kill()
      const wasKilled = code === 137 || signal === 'SIGKILL'
      resolve({ stdout: stdout(), stderr: stderr(), end: signal ?? `exit ${code}`, wasKilled })
    })
  })
}

/** Told by the battery itself, whose lines come whole. */
function watchCpuProbe(stdout: Readable | null, berth: Berth): void {
  stdout?.on('data', (chunk: Buffer) => {
    const text = chunk.toString()
    if (text.includes('"begins":"limit.cpu"')) berth.limits.squeeze(true)
    if (text.includes('"id":"limit.cpu"')) berth.limits.squeeze(false)
  })
}

function parse(text: string): z.infer<typeof Line>[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return []
    try {
      return [Line.parse(JSON.parse(line))]
    } catch {
      return [] // the battery's own judge misses the line
    }
  })
}
