import type * as z from 'zod'
import { SekishoError, toSekishoError } from '../core/error.ts'
import type { AgentFile } from '../policy/agent-file.ts'
import { configurationDigest } from '../policy/bundle.ts'
import type { api } from '../wire/api.ts'
import type { controlToSupervisor, SessionEnd, SessionPlan } from '../wire/control.ts'
import type { Peer, Protocol } from '../wire/peer.ts'
import type { BundleReader } from './bundle-reader.ts'
import { planSession } from './plan.ts'

export type RunRequest = z.infer<(typeof api)['run']['params']>
type Supervisor = Peer<typeof controlToSupervisor, Protocol>
type Listed = z.infer<(typeof api)['ps']['result']>['sessions'][number]
export type Signal = z.infer<(typeof controlToSupervisor)['session.signal']['params']>['signal']

type Running = {
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

/** The sessions that run, and what a client may do to them. */
export class Sessions {
  readonly #running = new Map<string, Running>()
  readonly #supervisor: Supervisor
  readonly #bundle: BundleReader
  readonly #newSessionId: () => string
  readonly #now: () => Date

  constructor(options: {
    supervisor: Supervisor
    bundle: BundleReader
    newSessionId: () => string
    now: () => Date
  }) {
    this.#supervisor = options.supervisor
    this.#bundle = options.bundle
    this.#newSessionId = options.newSessionId
    this.#now = options.now
  }

  /** Resolves when the command has ended. */
  async run(
    request: RunRequest,
    client: { connection: number },
    started: (session: string) => void,
  ): Promise<SessionEnd> {
    const running = await this.#begin({ request, client, detached: false }, started)
    return running.ended
  }

  /** Resolves when the command has begun; it goes on without its client. */
  async start(
    request: Omit<RunRequest, 'terminal'>,
    client: { connection: number },
  ): Promise<{ session: string }> {
    const asked = { request: { ...request, terminal: null }, client, detached: true }
    const { plan } = await this.#begin(asked, () => undefined)
    return { session: plan.session }
  }

  async #begin(
    asked: { request: RunRequest; client: { connection: number }; detached: boolean },
    started: (session: string) => void,
  ): Promise<Running> {
    const { request, client, detached } = asked
    const bundle = await this.#bundle.read()
    const agent: AgentFile = bundle.agent(request.agent)
    const policy = bundle.policyOf(agent)
    const plan = planSession({
      request,
      agent,
      configuration: configurationDigest(agent, policy),
      policy,
      session: this.#newSessionId(),
      connection: client.connection,
      detached,
    })
    const running = this.#add(plan)
    try {
      const starting = this.#supervisor.call('session.start', plan, { timeoutMs: START_TIMEOUT_MS })
      started(plan.session) // after the call: the channel keeps the order, so signals find it
      await starting
    } catch (thrown) {
      this.#running.delete(plan.session)
      throw toSekishoError(thrown)
    }
    return running
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

  #add(plan: SessionPlan): Running {
    const { promise, resolve } = Promise.withResolvers<SessionEnd>()
    const running = { plan, startedAt: this.#now(), ended: promise, settle: resolve }
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
