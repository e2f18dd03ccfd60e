import type * as z from 'zod'
import { SekishoError, toSekishoError } from '../core/error.ts'
import type { AgentFile } from '../policy/agent-file.ts'
import { configurationDigest } from '../policy/bundle.ts'
import { decideStart } from '../policy/decision/decide-start.ts'
import type { api } from '../wire/api.ts'
import type { controlToSupervisor, SessionEnd, SessionPlan } from '../wire/control.ts'
import type { Peer, Protocol } from '../wire/peer.ts'
import type { Phase } from '../wire/schemas.ts'
import type { Generation } from './generations/generation.ts'
import type { Generations } from './generations/generations.ts'
import { type Subject, sessionDecision } from './generations/session-decision.ts'
import { planSession } from './plan.ts'
import { describeFailedSetup, setupCommand } from './setup-phase.ts'

export type RunRequest = z.infer<(typeof api)['run']['params']>
type Supervisor = Peer<typeof controlToSupervisor, Protocol>
type Listed = z.infer<(typeof api)['ps']['result']>['sessions'][number]
export type Signal = z.infer<(typeof controlToSupervisor)['session.signal']['params']>['signal']

type Running = {
  subject: Subject
  plan: SessionPlan
  startedAt: Date
  ended: Promise<SessionEnd>
  settle: (end: SessionEnd) => void
}

/**
 * Sandboxing takes milliseconds; a clone of a repository at most 20 s, a snapshot 25. A start that
 * takes this long has failed.
 */
const START_TIMEOUT_MS = 60_000
/** The last process is killed and a disk is written back. */
const SETTLE_TIMEOUT_MS = 60_000
/** A session's disk is copied byte by byte. */
export const SNAPSHOT_TIMEOUT_MS = 300_000

type Asker = { connection: number; uid: number }
type Asked = { request: RunRequest; client: Asker; detached: boolean }

/** The sessions that run, and what a client may do to them. */
export class Sessions {
  readonly #running = new Map<string, Running>()
  readonly #supervisor: Supervisor
  readonly #generations: Generations
  readonly #newSessionId: () => string
  readonly #now: () => Date

  constructor(options: {
    supervisor: Supervisor
    generations: Generations
    newSessionId: () => string
    now: () => Date
  }) {
    this.#supervisor = options.supervisor
    this.#generations = options.generations
    this.#newSessionId = options.newSessionId
    this.#now = options.now
  }

  /**
   * Resolves when the command has ended, or a setup phase before it that failed.
   *
   * @param started is told the session that the client's signals are for; null between two phases
   */
  async run(
    request: RunRequest,
    client: Asker,
    started: (session: string | null) => void,
  ): Promise<SessionEnd> {
    const asked = { request, client, detached: false }
    const setUp = await this.#setUp(asked, started)
    if ('end' in setUp) return { ...setUp.end, ...describeFailedSetup(setUp.end) }
    const running = await this.#begin({ ...asked, ...setUp, phase: 'agent' }, started)
    return running.ended
  }

  /**
   * Resolves when the command has begun; it goes on without its client.
   *
   * @throws SekishoError SETUP_FAILED
   */
  async start(request: Omit<RunRequest, 'terminal'>, client: Asker): Promise<{ session: string }> {
    const asked = { request: { ...request, terminal: null }, client, detached: true }
    const setUp = await this.#setUp(asked, () => undefined)
    if ('end' in setUp) {
      const { message } = describeFailedSetup(setUp.end)
      const hint = `see what it said: sekisho logs ${setUp.end.session}`
      throw new SekishoError('SETUP_FAILED', message, { hint })
    }
    const { plan } = await this.#begin({ ...asked, ...setUp, phase: 'agent' }, () => undefined)
    return { session: plan.session }
  }

  /** The setup phase, if there is one, to its very end; then how the agent's session begins. */
  async #setUp(
    asked: Asked,
    started: (session: string | null) => void,
  ): Promise<{ request: RunRequest } | { end: SessionEnd }> {
    const { request } = asked
    const argv = await this.#generations.withCurrent(({ bundle }) =>
      setupCommand(request, bundle.agent(request.agent)),
    )
    if (argv === null) return { request }
    const begun = { ...asked, request: { ...request, argv }, phase: 'setup' as const }
    const { ended } = await this.#begin(begun, started)
    const end = await ended
    started(null)
    if (end.reason !== 'exit' || end.exitCode !== 0) return { end }
    await this.#supervisor.call(
      'session.settled',
      { session: end.session },
      { timeoutMs: SETTLE_TIMEOUT_MS },
    )
    const from = await this.#keep(end.session)
    return { request: { ...request, from: from ?? request.from } }
  }

  /** @returns the snapshot's id; null where the session has changed nothing and so left nothing */
  async #keep(session: string): Promise<string | null> {
    try {
      const asked = { session, name: null }
      const taking = this.#supervisor.call('snapshot.take', asked, {
        timeoutMs: SNAPSHOT_TIMEOUT_MS,
      })
      return (await taking).snapshot
    } catch (thrown) {
      const error = toSekishoError(thrown)
      if (error.code === 'SESSION_UNKNOWN') return null
      throw error
    }
  }

  async #begin(
    asked: Asked & { phase: Phase },
    started: (session: string) => void,
  ): Promise<Running> {
    // planned and on its way before another generation can come into force
    const { running, starting } = await this.#generations.withCurrent(async (generation) => {
      const { plan, subject } = this.#plan(asked, generation)
      await this.#refuseUnlessPermitted(plan, generation)
      const call = this.#supervisor.call('session.start', plan, { timeoutMs: START_TIMEOUT_MS })
      return { running: this.#add(plan, subject), starting: call }
    })
    const { session } = running.plan
    started(session) // after the call: the channel keeps the order, so signals find it
    try {
      await starting
    } catch (thrown) {
      this.#running.delete(session)
      throw toSekishoError(thrown)
    }
    return running
  }

  /** @throws SekishoError PERMISSION_REQUIRED, recorded */
  async #refuseUnlessPermitted(plan: SessionPlan, generation: Generation): Promise<void> {
    const { agent, configuration, decision } = plan
    const { uid } = decision
    const verdict = decideStart(generation.compiled(), { agent, uid, nowMs: this.#now().getTime() })
    if (verdict.kind === 'allow') return
    const { rules, reason } = verdict
    const rule = rules.join(' ').slice(0, 128)
    await this.#supervisor.call('session.refuse', { agent, configuration, rule, reason })
    throw new SekishoError('PERMISSION_REQUIRED', reason, {
      hint: `see the policy ${rule}, or ask whoever keeps the bundle`,
    })
  }

  #plan(
    { request, client, detached, phase }: Asked & { phase: Phase },
    generation: Generation,
  ): { plan: SessionPlan; subject: Subject } {
    const agent: AgentFile = generation.bundle.agent(request.agent)
    const subject: Subject = {
      agent: agent.name,
      uid: client.uid,
      phase,
      argv: request.argv,
      hasWorkspace: request.workspace !== null,
    }
    const decision = sessionDecision(generation, subject)
    const plan = planSession({
      request,
      agent,
      configuration: configurationDigest(agent, decision.policy),
      decision,
      phase,
      session: this.#newSessionId(),
      connection: client.connection,
      detached,
      filters: generation.compiled().llm.filters,
    })
    return { plan, subject }
  }

  /** Of each session that runs or is being started. */
  subjects(): { session: string; subject: Subject }[] {
    return [...this.#running].map(([session, { subject }]) => ({ session, subject }))
  }

  /** What a running session began with; null for nothing. */
  snapshotOf(session: string): string | null {
    return this.#running.get(session)?.plan.workspaceOptions.from ?? null
  }

  isRunning(session: string): boolean {
    return this.#running.has(session)
  }

  ended(end: SessionEnd): void {
    const running = this.#running.get(end.session)
    this.#running.delete(end.session)
    running?.settle(end)
  }

  list(): Listed[] {
    return [...this.#running.values()].map(({ plan, startedAt }) => ({
      session: plan.session,
      agent: plan.agent,
      argv: plan.argv,
      workspace: plan.workspace,
      startedAt: startedAt.toISOString(),
    }))
  }

  async stop(session: string): Promise<SessionEnd> {
    const { ended } = this.#get(session)
    await this.#supervisor.call('session.stop', { session, reason: 'stopped' })
    return ended
  }

  /** A client that goes away takes its command with it, as a closed terminal does. */
  clientGone(session: string): void {
    if (!this.#running.has(session)) return
    this.#supervisor.call('session.stop', { session, reason: 'client-gone' }).catch((error) => {
      process.stderr.write(`control: stopping ${session}: ${String(error)}\n`)
    })
  }

  async signal(session: string | undefined, signal: Signal): Promise<Record<never, never>> {
    return this.#supervisor.call('session.signal', {
      session: this.#get(session).plan.session,
      signal,
    })
  }

  async resize(
    session: string | undefined,
    size: { columns: number; rows: number },
  ): Promise<Record<never, never>> {
    return this.#supervisor.call('session.resize', {
      session: this.#get(session).plan.session,
      ...size,
    })
  }

  #add(plan: SessionPlan, subject: Subject): Running {
    const { promise, resolve } = Promise.withResolvers<SessionEnd>()
    const running = { plan, subject, startedAt: this.#now(), ended: promise, settle: resolve }
    this.#running.set(plan.session, running)
    return running
  }

  #get(session: string | undefined): Running {
    const running = session === undefined ? undefined : this.#running.get(session)
    if (running !== undefined) return running
    throw new SekishoError(
      'SESSION_UNKNOWN',
      `no session ${session ?? 'on this connection'} runs`,
      {
        hint: 'run `sekisho ps`',
      },
    )
  }
}
