import { join } from 'node:path'
import { installPackage } from '../../packages/sekisho/test/agents/install-package.ts'
import { type PeerProcess, startPeer } from '../peers/peer-process.ts'

const SPEC = '@portkey-ai/gateway@1.15.2'
/** What it asks for by default answers no request on a current Node. */
const OVERRIDES = { '@hono/node-server': '1.13.8' }

/** The Portkey gateway on a port of loopback, trusting the authority of `caFile` upstream. */
export async function startPortkey(options: {
  port: number
  caFile: string
}): Promise<PeerProcess> {
  const modules = await installPackage(SPEC, { overrides: OVERRIDES })
  const main = join(modules, '@portkey-ai/gateway/build/start-server.js')
  return startPeer([process.execPath, main, `--port=${options.port}`, '--headless'], {
    ready: /Ready for connections/,
    env: {
      NODE_EXTRA_CA_CERTS: options.caFile,
      // it refuses upstreams of private addresses but for those named here
      TRUSTED_CUSTOM_HOSTS: 'localhost',
      NODE_ENV: 'production',
    },
  })
}
