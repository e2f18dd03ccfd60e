import type { AgentFile } from '../policy/agent-file.ts'
import { compilePolicy } from '../policy/compile.ts'
import { extractUrls } from '../policy/provenance/extract-urls.ts'
import { provenancePlan } from '../policy/provenance-schema.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { EgressPlan } from '../wire/egress.ts'
import { filterSecret, type LlmFilter } from '../wire/llm.ts'
import type { Phase } from '../wire/schemas.ts'
import { secretParts } from './secret-parts.ts'
import type { RunRequest } from './sessions.ts'

/** The bound of a plan. */
const MAX_TASK_URLS = 4096

/** One session as it will be, from what was asked and what the agent file grants. Pure. */
export function planSession(parts: {
  request: RunRequest
  agent: AgentFile
  configuration: string
  /** of this phase */
  decision: SessionDecision
  phase: Phase
  session: string
  connection: number | null
  detached: boolean
  /** services that are asked about its calls of models */
  filters?: readonly LlmFilter[] | undefined
}): SessionPlan {
  const { request, agent, configuration, decision, phase, session, connection } = parts
  const { label: _forDecisions, ...workspaceOptions } = agent.workspace
  return {
    session,
    connection,
    agent: agent.name,
    configuration,
    argv: request.argv,
    workspace: request.workspace,
    terminal: request.terminal,
    detached: parts.detached,
    ...(agent.setup === null ? {} : { phase }),
    decision,
    egress: egressOf(agent, request.argv),
    secrets: [...secretsOf(agent, decision), ...filterSecrets(parts.filters)],
    upstreams: agent.upstreams.map(({ host, port, address, dialPort, caFile }) => ({
      host,
      port,
      address,
      dialPort,
      caFile,
    })),
    mounts: agent.mounts,
    environment: agent.environment,
    limits: agent.limits,
    isolation: agent.isolation,
    rootfs: agent.rootfs,
    exec: agent.exec,
    containment: agent.containment,
    attestation: agent.attestation,
    workspaceOptions: { ...workspaceOptions, from: request.from },
  }
}

function egressOf(agent: AgentFile, argv: readonly string[]): EgressPlan {
  const { inspection, privateRanges, proxy, packages, provenance, budgets } = agent
  return {
    inspection,
    privateRanges,
    proxy,
    packages,
    provenance: provenance === null ? null : provenancePlan(provenance, taskUrls(argv)),
    budgets,
  }
}

/** What stood in the user's own words: the command is all of them that the platform sees. */
function taskUrls(argv: readonly string[]): readonly string[] {
  return [...new Set(argv.flatMap((word) => extractUrls(word)))].slice(0, MAX_TASK_URLS)
}

/** A file with two phases names the secrets of both: each gets those that it can use. */
function secretsOf(
  { secrets, setup }: AgentFile,
  { policy }: SessionDecision,
): SessionPlan['secrets'] {
  const compiled = setup === null ? null : compilePolicy(policy, () => 0)
  return secrets
    .filter(
      ({ hosts, port }) =>
        compiled === null || hosts.some((host) => compiled.isPort(host, port) === 'https'),
    )
    .flatMap(secretParts)
}

const FILTER_HEADERS: Readonly<Record<LlmFilter['kind'], string>> = {
  'model-armor': 'authorization',
  'bedrock-guardrail': 'authorization',
  'prompt-shields': 'ocp-apim-subscription-key',
}

/** Of the platform, for its own requests: nothing in the sandbox stands for them. */
function filterSecrets(filters: readonly LlmFilter[] = []): SessionPlan['secrets'] {
  return filters.map(({ id, kind, host, port, basePath, credential }) => ({
    binding: {
      name: filterSecret(id),
      hosts: [host],
      port,
      header: FILTER_HEADERS[kind],
      under: basePath === '' ? '/' : basePath,
    },
    from: credential,
    variable: null,
    isPlatforms: true,
  }))
}
