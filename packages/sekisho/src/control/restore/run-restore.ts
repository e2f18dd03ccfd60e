import { configurationDigest } from '../../policy/bundle.ts'
import type { controlToSupervisor, RestorePlan } from '../../wire/control.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { RestoreRequest, RestoreResult } from '../../wire/restore.ts'
import type { Generation } from '../generations/generation.ts'
import type { Generations } from '../generations/generations.ts'
import { sessionDecision } from '../generations/session-decision.ts'
import { planSession } from '../plan.ts'

/** Above what the supervisor gives it. */
const RUN_TIMEOUT_MS = 10 * 60_000
/** Looks and deeds of one resource, at most. */
const REQUESTS_PER_ITEM = 3
/** What goes out for one resource beside its content. */
const BYTES_PER_ITEM = 9 * 1024 * 1024

export type RestoreParts = {
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>
  generations: Pick<Generations, 'withCurrent'>
  newSessionId: () => string
}

/** Who asks, as the kernel says. */
export type Operator = { connection: number; uid: number }

/**
 * Has what a session changed put back, with the secrets and upstreams of its agent as the bundle has
 * it now.
 *
 * @throws SekishoError AGENT_UNKNOWN, SECRET_MISSING, PEER_UNAVAILABLE, TIMEOUT
 */
export async function runRestore(
  request: RestoreRequest,
  operator: Operator,
  { supervisor, generations, newSessionId }: RestoreParts,
): Promise<RestoreResult> {
  const session = newSessionId()
  // on its way before another generation can come into force
  const { running } = await generations.withCurrent((generation) => {
    const plan = planRestore(request, { ...operator, session }, generation)
    return { running: supervisor.call('restore.run', plan, { timeoutMs: RUN_TIMEOUT_MS }) }
  })
  return running
}

/** @throws SekishoError AGENT_UNKNOWN */
export function planRestore(
  request: RestoreRequest,
  { session, connection, uid }: Operator & { session: string },
  generation: Pick<Generation, 'number' | 'bundle'>,
): RestorePlan {
  const agent = generation.bundle.agent(request.agent)
  const argv = ['sekisho', 'restore', request.of]
  const phase = 'agent'
  const subject = { agent: agent.name, uid, phase, argv, hasWorkspace: false } as const
  const decision = sessionDecision(generation, subject)
  const plan = planSession({
    request: { agent: agent.name, argv, workspace: null, from: null, terminal: null },
    agent,
    configuration: configurationDigest(agent, decision.policy),
    decision,
    phase,
    session,
    connection,
    detached: false,
  })
  const { length } = request.items
  return {
    session,
    connection,
    agent: plan.agent,
    configuration: plan.configuration,
    argv,
    decision,
    // what bounds the agent is not for whoever mends what it did
    egress: { ...plan.egress, budgets: [], provenance: null },
    secrets: plan.secrets,
    upstreams: plan.upstreams,
    limits: {
      ...plan.limits,
      egressRequests: length * REQUESTS_PER_ITEM,
      egressBytes: length * BYTES_PER_ITEM,
    },
    request,
  }
}
