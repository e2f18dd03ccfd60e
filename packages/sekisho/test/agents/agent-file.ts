import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import type { AgentClient, Places } from './agent-client.ts'
import type { Canary } from './canary.ts'
import { type ModelServer, PROVIDERS } from './model-server.ts'

/** A rule opens one path of this host, so that only the decision stands before its canary. */
export const CANARY_HOST = 'canary.example'
/** The path that is open. */
export const CANARY_PATH = '/open'

const SHIPPED = resolve(import.meta.dirname, '../../../../policy/agents')

/** Where an agent file puts a client's parts. */
export const INSIDE: Places = {
  modules: '/opt/client/node_modules',
  node: '/opt/node/node',
  settings: '/opt/settings',
}

/** What stands outside a session for a client: its parts, its model and the canary. */
export type Surroundings = {
  modules: string
  settings: string
  model: ModelServer
  canary: Canary
}

const Shipped = z.looseObject({
  rules: z.array(z.unknown()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
})

/** The agent file that we ship, with the client itself, a rule to try and other servers. */
export async function sessionAgentFile(
  client: AgentClient,
  at: Surroundings,
  more: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const text = await readFile(join(SHIPPED, `${client.name}.yaml`), 'utf8')
  const shipped = Shipped.parse({ ...Object(parse(text)), ...client.agentFile })
  const { host } = PROVIDERS[client.provider]
  const { caFile } = at.model
  const loopback = { port: 443, address: '127.0.0.1', caFile }
  return {
    ...shipped,
    rules: [
      ...shipped.rules,
      { id: 'canary', effect: 'allow', host: CANARY_HOST, paths: [CANARY_PATH] },
    ],
    environment: { ...shipped.environment, ...client.environment?.(INSIDE) },
    mounts: [
      { source: at.modules, target: INSIDE.modules },
      { source: dirname(process.execPath), target: dirname(INSIDE.node) },
      { source: at.settings, target: INSIDE.settings },
    ],
    upstreams: [
      { ...loopback, host, dialPort: at.model.port, reason: 'scripted model server' },
      // were the denial to fail, the bytes would arrive where they are counted
      { ...loopback, host: CANARY_HOST, dialPort: at.canary.port, reason: 'canary' },
    ],
    ...more,
  }
}
