/**
 * A client of the daemon that asks for one session at a time and says when it asked. What runs
 * inside writes its own clock to standard output, which the benchmark reads.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from '../../packages/sekisho/src/cli/client.ts'
import { api } from '../../packages/sekisho/src/wire/api.ts'

const [socket = '', ...floor] = process.argv.slice(2)

/** The first thing it does is to write the time, in seconds with microseconds. */
const COMMAND = ['/bin/bash', '--norc', '--noprofile', '-c', 'echo $EPOCHREALTIME']

process.on('message', (kind) => {
  const run = kind === 'session' ? runSession() : runFloor()
  run.then(
    (askedAtMs) => process.send?.({ askedAtMs }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

async function runSession(): Promise<number> {
  const peer = await connect(socket, api)
  const askedAtMs = nowMs()
  const request = { agent: 'default', argv: COMMAND, workspace: null, from: null, terminal: null }
  const end = await peer.call('run', request, { timeoutMs: 30_000 })
  peer.close()
  if (end.exitCode !== 0) throw new Error(`the session ended with ${end.exitCode}`)
  return askedAtMs
}

async function runFloor(): Promise<number> {
  const [file = '', ...args] = floor
  const askedAtMs = nowMs()
  const child = spawn(file, [...args, ...COMMAND], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`)
  return askedAtMs
}

/** Wall clock with microseconds, as bash has it. */
function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
