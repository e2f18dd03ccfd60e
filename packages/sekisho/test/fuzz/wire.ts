import dgram from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { closed, type Rig, talk } from '../../src/gate/testing/rig.ts'
import { get, HOST, OTHER, Scene } from '../../src/gate/testing/scene.ts'
import { dnsBytes } from './datagram-grammar.ts'
import { http2Bytes } from './frame-grammar.ts'
import { helloBytes } from './hello-grammar.ts'
import { connectionBytes } from './http-grammar.ts'
import type { Random } from './random.ts'
import { inputFor, type Reader } from './readers.ts'
import { GOOD } from './spellings.ts'

/** What a session's gate listens on, and what is thrown at it. */
export type Listener = {
  name: string
  generate(random: Random): Buffer
  /** Resolves when the gate has ended the connection, or answered. */
  send(rig: Rig, bytes: Buffer): Promise<void>
}

/** the gate's own address in a session's network */
const GATE = '198.19.255.1'

export const LISTENERS: readonly Listener[] = [
  {
    name: 'http',
    generate: httpBytes,
    send: async (rig, bytes) => throwAt(await dial(rig, 80), bytes),
  },
  {
    name: 'tls',
    generate: helloBytes,
    send: async (rig, bytes) => throwAt(await dial(rig, 443), bytes),
  },
  { name: 'inside-tls', generate: httpBytes, send: throwInsideTls },
  { name: 'inside-tls-h2', generate: http2Bytes, send: throwInsideHttp2 },
  {
    name: 'proxy',
    generate: proxyBytes,
    send: async (rig, bytes) => throwAt(await rig.dial(GATE, 3128), bytes),
  },
  {
    name: 'dns-tcp',
    generate: dnsStream,
    send: async (rig, bytes) => throwAt(await rig.dial(GATE, 53), bytes),
  },
  { name: 'dns-udp', generate: dnsBytes, send: throwDatagram },
  { name: 'closed-port', generate: httpBytes, send: throwAtClosedPort },
]

export type WireRun = { runs: number; refusals: number; faults: { input: string; fault: string }[] }

/** Opens a gate, throws inputs at one listener and sees that it lives. */
export async function runListener(
  listener: Listener,
  { random, until }: { random: Random; until: (runs: number) => boolean },
): Promise<WireRun> {
  const scene = await Scene.start()
  const run: WireRun = { runs: 0, refusals: 0, faults: [] }
  const reader: Reader = { ...listener, read: () => '' }
  try {
    while (!until(run.runs) && run.faults.length < 10) {
      const input = inputFor(reader, random)
      run.runs += 1
      const refusals = await refusalsOf(scene, () => listener.send(scene.rig, input))
      run.refusals += refusals
      if (refusals > 1)
        run.faults.push({ input: input.toString('hex'), fault: `${refusals} refusals` })
    }
    await requireAlive(scene)
  } finally {
    await scene.close()
  }
  return run
}

/** How often one input was refused: a request that is denied for certain comes behind it. */
async function refusalsOf(scene: Scene, send: () => Promise<void>): Promise<number> {
  const since = scene.rig.keyholder.leaves.length
  await send()
  await talk(await dial(scene.rig, 80), [`GET / HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`])
  return countRefusals(scene, since) - 1
}

/**
 * Refusals of bytes, not of actions, since so many leaves. A request whose body broke off says so
 * beside its reader's complaint; a question that can be read is an action by itself.
 */
function countRefusals({ rig }: Scene, since: number): number {
  return rig.keyholder.leaves
    .slice(since)
    .flatMap((leaf) => (leaf.type === 'action.intent' ? [leaf.verdict] : []))
    .flatMap((verdict) => (verdict.kind === 'deny' ? verdict.rules : []))
    .filter((rule) => rule.startsWith('invariant.') && !NO_REFUSAL_OF_BYTES.has(rule)).length
}

const NO_REFUSAL_OF_BYTES: ReadonlySet<string> = new Set([
  'invariant.body-incomplete',
  'invariant.host-name',
  'invariant.dns-class',
])

async function requireAlive({ rig }: Scene): Promise<void> {
  const reply = await rig.send(HOST, get('/still-here'))
  if (!reply.startsWith('HTTP/1.1 200 '))
    throw new Error(`the gate is gone: ${reply.slice(0, 200)}`)
}

async function dial(rig: Rig, port: number): Promise<Socket> {
  return rig.dial(await rig.resolve(HOST), port)
}

async function throwAt(socket: Socket, bytes: Buffer): Promise<void> {
  socket.on('error', () => undefined) // a reset is an answer
  socket.resume().end(bytes)
  await closed(socket)
}

async function throwInsideTls(rig: Rig, bytes: Buffer): Promise<void> {
  return throwAt(await rig.dialTls(HOST), bytes)
}

async function throwInsideHttp2(rig: Rig, bytes: Buffer): Promise<void> {
  return throwAt(await rig.dialTls(HOST, { ALPNProtocols: ['h2'] }), bytes)
}

/** The reset may come before the connection is known to be there. */
async function throwAtClosedPort(rig: Rig, bytes: Buffer): Promise<void> {
  const socket = await dial(rig, 22).catch(() => undefined)
  if (socket !== undefined) await throwAt(socket, bytes)
}

/** A question that can be read follows, because noise may stay without an answer. */
async function throwDatagram(rig: Rig, bytes: Buffer): Promise<void> {
  const client = dgram.createSocket('udp4')
  client.send(bytes, rig.dnsPort, '127.0.0.1')
  await once(client, 'listening')
  await rig.ask(HOST)
  client.close()
}

function httpBytes(random: Random): Buffer {
  const text = connectionBytes(random)
  return Buffer.from(random.once(3) ? text : text.replaceAll(GOOD, HOST), 'latin1')
}

function proxyBytes(random: Random): Buffer {
  if (random.once(2)) return httpBytes(random)
  const target = random.pick([`${HOST}:443`, `${HOST}:80`, '127.0.0.1:80', `${OTHER}:22`, HOST, ''])
  const connect = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`
  const inside = random.once(2) ? helloBytes(random) : httpBytes(random)
  return Buffer.concat([Buffer.from(connect), inside])
}

function dnsStream(random: Random): Buffer {
  const frames = Array.from({ length: 1 + random.below(3) }, () => {
    const message = dnsBytes(random)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(random.once(10) ? random.below(65_536) : message.length)
    return Buffer.concat([length, message])
  })
  return Buffer.concat(frames)
}
