import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { installPackage } from '../../packages/sekisho/test/agents/install-package.ts'
import { makeTestAuthority } from '../../packages/sekisho/test/agents/test-authority.ts'
import { frameReader } from '../../packages/sekisho/src/wire/transport.ts'
import { startPeer } from './peer-process.ts'
import type { ProxyPeer, ProxyPeerOptions } from './proxy-peer.ts'

const SPEC = '@anthropic-ai/sandbox-runtime@0.0.83'
const PACKAGE = '@anthropic-ai/sandbox-runtime'
const DECIDER_FD = 3
const CA_FD = 4

/**
 * The words in front of a command line that run it under `srt` (bubblewrap, its proxies, seccomp),
 * with settings that allow nothing out. It works as root; it needs apt's bubblewrap, socat and
 * ripgrep. `node` is the one that runs everything else of the benchmark.
 */
export async function srtCommand(directory: string): Promise<[string, ...string[]]> {
  const settings = join(directory, 'srt-settings.json')
  const network = { allowedDomains: [], deniedDomains: [] }
  const filesystem = { denyRead: [], allowWrite: [], denyWrite: [] }
  await writeFile(settings, JSON.stringify({ network, filesystem }))
  return [process.execPath, await entry('cli.js'), '--settings', settings]
}

/**
 * `srt proxy` with TLS termination. Its policy is another process's business (`--decider-fd`):
 * here the least that the protocol allows, one fixed allow per request, so the peer is measured
 * at its best. It signs with RSA only.
 */
export async function startSrtProxy(options: ProxyPeerOptions): Promise<ProxyPeer> {
  const authority = await makeTestAuthority(options.directory, { name: 'srt peer', key: 'rsa' })
  const { certFile, keyFile } = authority
  const pem = Buffer.concat(await Promise.all([readFile(keyFile), readFile(certFile)]))
  const flags = ['--listen', '127.0.0.1:0', '--decider-fd', `${DECIDER_FD}`, '--ca-fd', `${CA_FD}`]
  const { ready, stop } = await startPeer(
    [process.execPath, await entry('proxy-main.js'), ...flags],
    {
      ready: /serving [\d.]+:(\d+)/,
      env: { NODE_EXTRA_CA_CERTS: options.upstreamCaFile },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      onSpawn: (child) => {
        decide(extra(child.stdio[DECIDER_FD]), options.allow)
        extra(child.stdio[CA_FD]).end(pem)
      },
    },
  )
  return { address: '127.0.0.1', port: Number(ready[1]), caFile: certFile, stop }
}

/** srt's decider protocol 1: frames of a 32-bit length and JSON, the proxy speaks first. */
function decide(stream: Duplex, allow: { host: string; port: number }): void {
  const send = (message: object): void => {
    const body = Buffer.from(JSON.stringify(message))
    const frame = Buffer.allocUnsafe(4 + body.length)
    frame.writeUInt32BE(body.length, 0)
    body.copy(frame, 4)
    stream.write(frame)
  }
  const fail = (why: string): void => void stream.destroy(new Error(why))
  const read = frameReader((frame) => {
    const text = frame.toString('latin1', 0, 64)
    const id = /^\{"t":"req","id":(\d+),/.exec(text)?.[1]
    if (id !== undefined) return send({ t: 'verdict', id: Number(id), action: 'allow' })
    if (!text.startsWith('{"t":"hello"')) return fail(`srt proxy sent ${text}`)
    const allowedDomains = [`${allow.host}:${allow.port}`]
    send({ t: 'hello', proto: 1, allowedDomains, deniedDomains: [] })
  }, fail)
  stream.on('data', read)
  stream.on('error', () => stream.destroy()) // without its decider the proxy refuses everything
}

function extra(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream
  throw new TypeError('a descriptor of the peer is no stream')
}

async function entry(file: string): Promise<string> {
  return join(await installPackage(SPEC), PACKAGE, 'dist', file)
}
