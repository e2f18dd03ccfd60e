import type { AgentFile } from '../policy/agent-file.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { SessionPolicy } from '../wire/policy.ts'
import type { RunRequest } from './sessions.ts'

/** One session as it will be, from what was asked and what the agent file grants. Pure. */
export function planSession(parts: {
  request: RunRequest
  agent: AgentFile
  configuration: string
  policy: SessionPolicy
  session: string
  connection: number | null
  detached: boolean
}): SessionPlan {
  const { request, agent, configuration, policy, session, connection } = parts
  return {
    session,
    connection,
    agent: agent.name,
    configuration,
    argv: request.argv,
    workspace: request.workspace,
    terminal: request.terminal,
    detached: parts.detached,
    policy,
    egress: {
      inspection: agent.inspection,
      privateRanges: agent.privateRanges,
      proxy: agent.proxy,
      packages: agent.packages,
    },
    secrets: agent.secrets.map(({ name, hosts, port, header, from, env }) => ({
      binding: { name, hosts, port, header },
      from,
      variable: env,
    })),
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
    workspaceOptions: { ...agent.workspace, from: request.from },
  }
}
