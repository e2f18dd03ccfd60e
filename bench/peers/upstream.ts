import { join } from 'node:path'
import { makeTestAuthority } from '../../packages/sekisho/test/agents/test-authority.ts'
import { startPeer } from './peer-process.ts'

export type Upstream = {
  host: string
  port: number
  /** PEM of the authority that signed the server's certificate */
  caFile: string
  stop: () => Promise<void>
}

/**
 * A fast HTTPS server on loopback in a process of its own, the same one behind every peer.
 * Its certificate is good for `localhost` and for `host`, the name that agents call it by.
 */
export async function startUpstream(directory: string, host: string): Promise<Upstream> {
  const authority = await makeTestAuthority(directory, { name: 'Benchmark upstream' })
  const { certFile, keyFile } = await authority.issue('upstream', [host, 'localhost', '127.0.0.1'])
  const main = join(import.meta.dirname, 'upstream-main.ts')
  const { ready, stop } = await startPeer([process.execPath, main, certFile, keyFile], {
    ready: /ready .*"port":(\d+)/,
  })
  return { host, port: Number(ready[1]), caFile: authority.certFile, stop }
}
