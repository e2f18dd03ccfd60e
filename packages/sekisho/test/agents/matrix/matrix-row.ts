import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type AgentClient, inventKey, keyVariables } from '../agent-client.ts'
import { INSIDE, sessionAgentFile } from '../agent-file.ts'
import { type Canary, startCanary } from '../canary.ts'
import { installClient, writeSettings } from '../client-files.ts'
import type { Executed } from '../execute.ts'
import { type ModelServer, startModelServer } from '../model-server.ts'
import {
  type Leaf,
  type Platform,
  readLogToEnd,
  startedSessions,
  startPlatform,
} from '../platform.ts'
import type { RecordedRequest } from '../scripted-server.ts'
import { Operator } from './operator.ts'
import { MARKER, type ScenarioId, SCENARIO_IDS, SCENARIOS, TOOL_RULES } from './scenarios.ts'

/** A held call, five clients beside it on two cores, and slack. */
const RUN_TIMEOUT_MS = 300_000

/** What one client did in one scenario. */
export type Cell = {
  ran: Executed
  tookMs: number
  leaves: readonly Leaf[]
  /** calls of a model that reached the provider */
  calls: readonly RecordedRequest[]
  /** the tool has written what it writes */
  marked: boolean
  canary: { connections: number; bytes: number }
  /** a human has answered */
  answered: boolean
}

export type MatrixRow = ReadonlyMap<ScenarioId, Cell>

type Undo = () => Promise<void>

/** One platform, and in it the client once for each scenario, all at the same time. */
export async function runMatrixRow(client: AgentClient): Promise<MatrixRow> {
  const cleanup: Undo[] = []
  try {
    return await run(client, (undo) => void cleanup.push(undo))
  } finally {
    for (const undo of cleanup.toReversed()) await undo()
  }
}

type Stage = {
  id: ScenarioId
  agent: string
  workspace: string
  model: ModelServer
  canary: Canary
}

async function run(client: AgentClient, later: (undo: Undo) => void): Promise<MatrixRow> {
  const directory = await mkdtemp(join(tmpdir(), 'sekisho-matrix-'))
  later(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // the platform's processes run under uids of their own
  const settings = join(directory, 'settings')
  await writeSettings(client, settings)
  const modules = await installClient(client)
  const stages: Stage[] = []
  const agents: Record<string, unknown> = {}
  for (const id of SCENARIO_IDS) {
    const stage = await openStage(client, { id, directory, later })
    stages.push(stage)
    const more = { name: stage.agent, tools: TOOL_RULES }
    agents[stage.agent] = await sessionAgentFile(client, { modules, settings, ...stage }, more)
  }
  const operator = new Operator(directory)
  const home = join(directory, 'home')
  await writeBundle(home, client, operator)
  const secrets = keyVariables(client, inventKey(client))
  const platform = await startPlatform({ home, agents, secrets, models: client.models })
  later(platform.stop)
  await operator.putInForce(platform)
  const cells = stages.map(async (stage): Promise<[ScenarioId, Cell]> => {
    return [stage.id, await play(client, stage, { platform, operator })]
  })
  return new Map(await Promise.all(cells))
}

async function openStage(
  client: AgentClient,
  { id, directory, later }: { id: ScenarioId; directory: string; later: (undo: Undo) => void },
): Promise<Stage> {
  const own = join(directory, id)
  const workspace = join(own, 'workspace')
  await mkdir(workspace, { recursive: true })
  const canary = await startCanary()
  later(canary.close)
  const { provider, shell } = client
  const { turns } = SCENARIOS[id]
  const model = await startModelServer({ directory: own, provider, turns, shell })
  later(model.close)
  return { id, agent: `${client.id}-${id}`, workspace, model, canary }
}

async function writeBundle(home: string, client: AgentClient, operator: Operator): Promise<void> {
  const budgets = SCENARIO_IDS.flatMap((id) => {
    const { maxCalls: calls } = SCENARIOS[id]
    const of = { agent: `${client.id}-${id}` }
    return calls === undefined ? [] : [{ id, per: 'session', of, max: { calls } }]
  })
  const bundle = join(home, 'policy')
  await mkdir(bundle, { recursive: true })
  const files = {
    'operators.yaml': operator.file,
    'approvals.yaml': { version: 1, timeout: '180s' },
    'budgets.yaml': { version: 1, budgets },
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(bundle, name), stringify(content))
  }
}

async function play(
  client: AgentClient,
  { id, agent, workspace, model, canary }: Stage,
  { platform, operator }: { platform: Platform; operator: Operator },
): Promise<Cell> {
  const startedMs = performance.now()
  const ended = new AbortController()
  const { human } = SCENARIOS[id]
  const answering =
    human === undefined ? false : operator.answer(platform, { agent, human, ended: ended.signal })
  const where = ['--agent', agent, '--workspace', workspace]
  const running = platform.sekishoFor(
    RUN_TIMEOUT_MS,
    'run',
    ...where,
    '--',
    ...client.command(INSIDE),
  )
  const ran = await running.finally(() => ended.abort())
  const tookMs = performance.now() - startedMs
  const answered = await answering
  const [session] = await startedSessions(platform, agent)
  if (session === undefined) throw new Error(`no session began: ${ran.stderr}${platform.said()}`)
  const leaves = await readLogToEnd(platform, session)
  const calls = model.requests.filter(
    ({ method, target }) => method === 'POST' && target.startsWith(client.modelPath),
  )
  const diff = await platform.sekisho('diff', session)
  const marked = diff.stdout.includes(MARKER)
  return { ran, tookMs, leaves, calls, marked, canary: canary.seen(), answered }
}
