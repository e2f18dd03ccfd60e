import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { type AgentClient, inventKey } from './agent-client.ts'
import type { AlonePlan, AloneReport } from './client-alone-main.ts'
import { execute } from './execute.ts'
import { installClient, writeSettings } from './client-files.ts'
import { PROVIDERS } from './model-server.ts'
import type { Turn } from './turn.ts'

const CLIENT_TIMEOUT_MS = 60_000
const NOBODY = 65_534
/** Of the range that the platform makes its addresses from: OpenClaw refuses loopback for a name. */
const ADDRESS = '198.18.0.1'
const MAIN = join(import.meta.dirname, 'client-alone-main.ts')

const Report = z.object({
  ran: z.object({ code: z.number().nullable(), stdout: z.string(), stderr: z.string() }),
  requests: z.array(
    z.object({
      method: z.string(),
      target: z.string(),
      serverName: z.string(),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
      status: z.int(),
    }),
  ),
})

/**
 * Runs a client without the platform: as nobody, in a network namespace whose only host is the
 * scripted model. What fails here is the client's or the script's doing, not the platform's.
 */
export async function runClientAlone(
  client: AgentClient,
  turns: readonly Turn[],
): Promise<AloneReport & { key: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'sekisho-alone-'))
  try {
    await chmod(directory, 0o755)
    const key = inventKey(client)
    const plan = await planFor(client, { directory, key, turns })
    const hosts = `127.0.0.1 localhost\n${ADDRESS} ${PROVIDERS[client.provider].host}\n`
    await writeFile(join(directory, 'hosts'), hosts)
    // nothing listens there: any other name fails
    const resolver = 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n'
    await writeFile(join(directory, 'resolv.conf'), resolver)
    const { code, stdout, stderr } = await execute(
      [...namespaces(directory), JSON.stringify(plan)],
      {
        cwd: directory,
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
        timeoutMs: CLIENT_TIMEOUT_MS + 30_000,
      },
    )
    if (code !== 0) throw new Error(`the client did not run: ${stderr}`)
    return { ...Report.parse(JSON.parse(stdout)), key }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function planFor(
  client: AgentClient,
  { directory, key, turns }: { directory: string; key: string; turns: readonly Turn[] },
): Promise<AlonePlan> {
  const cwd = join(directory, 'workspace')
  const home = join(directory, 'home')
  for (const own of [cwd, home]) {
    await mkdir(own)
    await chown(own, NOBODY, NOBODY)
  }
  const settings = join(directory, 'settings')
  await writeSettings(client, settings)
  const at = { modules: await installClient(client), node: process.execPath, settings }
  const nobody = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups']
  return {
    directory,
    client: client.id,
    address: ADDRESS,
    turns,
    command: ['setpriv', ...nobody, ...client.command(at)],
    env: {
      PATH: '/usr/bin:/bin',
      HOME: home,
      TMPDIR: home,
      ...client.key.beside,
      [client.key.variable]: key,
      ...client.environment?.(at),
    },
    cwd,
    timeoutMs: CLIENT_TIMEOUT_MS,
  }
}

/** The process namespace takes every process with it when its first one is killed. */
function namespaces(directory: string): [string, ...string[]] {
  const own = ['--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
  const mounts = ['hosts', 'resolv.conf'].map((file) => `mount --bind "$1/${file}" /etc/${file}`)
  const script = [
    'ip link set lo up',
    `ip addr add ${ADDRESS}/32 dev lo`,
    ...mounts,
    'shift',
    'exec "$@"',
  ].join(' && ')
  return ['unshare', ...own, 'sh', '-c', script, 'sh', directory, process.execPath, MAIN]
}
