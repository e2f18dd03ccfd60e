import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTestAuthority } from '../../packages/sekisho/test/agents/test-authority.ts'
import { startPeer } from './peer-process.ts'
import type { ProxyPeer, ProxyPeerOptions } from './proxy-peer.ts'

/** Announces the port once it is bound (mitmproxy 8 of Debian 12); mitmdump itself stays quiet. */
const ANNOUNCE = `import sys
from mitmproxy import ctx

def running():
    listener = ctx.master.addons.get("proxyserver").tcp_server
    print("listening on", listener.sockets[0].getsockname()[1], file=sys.stderr, flush=True)
`

/**
 * Debian's mitmproxy as a regular proxy with keep-alive, an authority of its own and upstream
 * verification against the test authority. It forwards what it is sent: it has no policy.
 */
export async function startMitmdump(options: ProxyPeerOptions): Promise<ProxyPeer> {
  const state = join(options.directory, 'mitmproxy')
  await mkdir(state, { recursive: true })
  const { certFile, keyFile } = await makeTestAuthority(state, { name: 'mitm peer', key: 'rsa' })
  const pem = Buffer.concat(await Promise.all([readFile(keyFile), readFile(certFile)]))
  await writeFile(join(state, 'mitmproxy-ca.pem'), pem, { mode: 0o600 })
  const script = join(state, 'announce.py')
  await writeFile(script, ANNOUNCE)
  const set = { confdir: state, ssl_verify_upstream_trusted_ca: options.upstreamCaFile }
  const settings = Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  const listen = ['--listen-host', '127.0.0.1', '--listen-port', '0']
  const { ready, stop } = await startPeer(
    ['mitmdump', '--quiet', '--mode', 'regular', ...listen, ...settings, '--scripts', script],
    { ready: /listening on (\d+)/ },
  )
  return { address: '127.0.0.1', port: Number(ready[1]), caFile: certFile, stop }
}
