import type { RestorePlan } from '../wire/control.ts'
import type { GateSession } from '../wire/gate.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { RestoreItem, RestoreOutcome, RestoreResult } from '../wire/restore.ts'
import { recordArgv } from './argv-record.ts'
import type { GatePeer } from './gates.ts'
import type { Platform } from './platform.ts'
import { restoreEach } from './restore-each.ts'
import { readSecrets } from './secrets.ts'
import { readUpstreams } from './upstream-files.ts'

/** One resource: three requests of 20 s at most, with their records. */
const ITEM_TIMEOUT_MS = 100_000
/** All of them. What is left then can be asked for again: what is done is not done twice. */
const RUN_TIMEOUT_MS = 8 * 60_000

type Needs = Pick<Platform, 'clients' | 'degraded' | 'ends' | 'gates' | 'keyholder' | 'warn'>

/**
 * A restore, which is a session like any other in the log (its start, each request with its outcome,
 * its end), but without a sandbox: nothing of the agent's runs, and what leaves is an operator's.
 *
 * @throws SekishoError SECRET_MISSING, CONFIG_INVALID, LOG_UNWRITABLE, PEER_UNAVAILABLE: then nothing
 *   has left
 */
export async function runRestore(plan: RestorePlan, platform: Needs): Promise<RestoreResult> {
  const { session } = plan
  const upstreams = readUpstreams(plan.upstreams)
  const secrets = readSecrets(plan.secrets, process.env)
  const gateIndex = platform.gates.pick()
  const gate = platform.gates.peer(gateIndex)
  const { placeholders } = await platform.keyholder().call('session.open', {
    session,
    gate: gateIndex,
    secrets,
    leaf: startLeaf(plan, platform),
    printKey: null,
  })
  const config = gateSession(plan, { upstreams, placeholders })
  const outcomes: RestoreOutcome[] = []
  let counters: Record<string, number> = {}
  try {
    await gate.call('restore.open', { config, of: plan.request.of })
    outcomes.push(...(await restoreAll(plan, gate)))
    counters = await closeAt(gate, plan, platform)
  } finally {
    const isWhole = outcomes.length > 0 && outcomes.every(({ did }) => did !== 'failed')
    await platform.ends.write(session, {
      type: 'session.end',
      session,
      exitCode: isWhole ? 0 : 1,
      reason: outcomes.length > 0 ? 'exit' : 'failed',
      counters,
    })
  }
  return { session, outcomes }
}

function restoreAll(
  { session, request }: RestorePlan,
  gate: Pick<GatePeer, 'call'>,
): Promise<RestoreOutcome[]> {
  const { items, isDryRun, isForced } = request
  const restoreOne = (item: RestoreItem): Promise<RestoreOutcome> =>
    gate.call('restore.item', { session, item, isDryRun, isForced }, { timeoutMs: ITEM_TIMEOUT_MS })
  return restoreEach(items, restoreOne, AbortSignal.timeout(RUN_TIMEOUT_MS))
}

async function closeAt(
  gate: Pick<GatePeer, 'call'>,
  { session }: RestorePlan,
  { warn }: Needs,
): Promise<Record<string, number>> {
  try {
    return (await gate.call('restore.close', { session })).counters
  } catch (thrown) {
    warn(`${session}: what its gate counted is lost: ${String(thrown)}`)
    return {}
  }
}

function startLeaf(plan: RestorePlan, { clients, degraded }: Needs): LeafInput {
  return {
    type: 'session.start',
    session: plan.session,
    agent: plan.agent,
    configuration: plan.configuration,
    ...recordArgv(plan.argv),
    workspace: null,
    snapshot: null,
    restores: plan.request.of,
    runtime: 'none',
    isolation: 'standard',
    rootfs: { kind: 'host' },
    initiator: clients.processOf(plan.connection),
    limits: plan.limits,
    attestation: [],
    degraded: [...degraded()],
  }
}

function gateSession(
  plan: RestorePlan,
  made: { upstreams: GateSession['upstreams']; placeholders: Record<string, string> },
): GateSession {
  const { egressBytes, egressRequests } = plan.limits
  return {
    session: plan.session,
    decision: plan.decision,
    egress: plan.egress,
    prints: { key: NO_PRINT_KEY, secrets: [] },
    credentials: plan.secrets.map(({ binding: { name, hosts, port, header, aws } }) => ({
      name,
      hosts,
      port,
      header,
      placeholder: made.placeholders[name] ?? '',
      ...(aws === undefined ? {} : { aws }),
    })),
    platformCredentials: [],
    upstreams: made.upstreams,
    limits: { egressBytes, egressRequests },
    egressUsed: { bytes: 0, requests: 0 },
    isResumed: false,
  }
}

/** Nothing is looked for: what is sent is what was there. */
const NO_PRINT_KEY = Buffer.alloc(32).toString('base64')
