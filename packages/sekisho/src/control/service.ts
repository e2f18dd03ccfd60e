import net from 'node:net'
import { SekishoError } from '../core/error.ts'
import { api } from '../wire/api.ts'
import { controlToSupervisor, supervisorToControl } from '../wire/control.ts'
import { type Handle, type Handlers, Peer, type Protocol, type Transport } from '../wire/peer.ts'
import type { RestoreRequest, RestoreResult } from '../wire/restore.ts'
import { socketTransport } from '../wire/transport.ts'
import { WaitingHolds } from './approvals/waiting-holds.ts'
import { BundleReader } from './bundle-reader.ts'
import { compareBySolver } from './generations/comparison.ts'
import { policyDegraded, policyStatus, reloadPolicy } from './generations/describe-generation.ts'
import { FileWatch } from './generations/file-watch.ts'
import { Generations } from './generations/generations.ts'
import { GatePeers } from './gate-peers.ts'
import { openLedger } from './ledger/open-ledger.ts'
import { openSpend } from './spend/open-spend.ts'
import { type Operator, runRestore } from './restore/run-restore.ts'
import { Sessions, type Signal, SNAPSHOT_TIMEOUT_MS } from './sessions.ts'

export type ControlOptions = {
  supervisor: Transport
  version: string
  newSessionId: () => string
  now: () => Date
}

/** Kept for a client whose session has not begun; more than a user sends by hand. */
const MAX_EARLY_SIGNALS = 64
/** Clients at once; one more is refused. */
const MAX_CLIENTS = 2048

type Supervisor = Peer<typeof controlToSupervisor, Protocol>
type Client = { connection: number; uid: number; pid: number; session: string | undefined }

/** The API process: who may ask for what, and which sessions there are. */
export async function serveControl(options: ControlOptions): Promise<{ stop(): Promise<void> }> {
  const supervisor: Supervisor = new Peer('supervisor', options.supervisor, {
    out: controlToSupervisor,
    in: supervisorToControl,
    handlers: supervisorHandlers(() => parts),
  })
  const parts = makeParts(supervisor, options)
  const { clients, gates, generations } = parts
  const watch = new FileWatch({ generations, report })
  watch.start()
  return {
    stop: async () => {
      watch.close()
      clients.close()
      gates.close()
    },
  }
}

type Parts = {
  generations: Generations
  holds: WaitingHolds
  ledger: ReturnType<typeof openLedger>
  spend: ReturnType<typeof openSpend>
  gates: GatePeers
  sessions: Sessions
  clients: ClientPeers
}

function supervisorHandlers(parts: () => Parts): Handlers<typeof supervisorToControl> {
  return {
    'client.attach': (client, handle) => {
      parts().clients.attach({ ...client, session: undefined }, handle)
      return {}
    },
    'session.ended': (end) => {
      const { sessions, holds, ledger, spend, gates } = parts()
      sessions.ended(end)
      holds.sessionEnded(end.session)
      ledger.sessionEnded(end.session)
      spend.sessionEnded(end.session)
      gates.sessionEnded(end.session)
      return {}
    },
    'session.revoked': ({ session }) => {
      parts().gates.revoke(session)
      return {}
    },
    'gate.attach': (_params, handle) => {
      parts().gates.attach(handle)
      return {}
    },
    stop: () => ({}),
  }
}

function makeParts(supervisor: Supervisor, options: ControlOptions): Parts {
  const { now, newSessionId, version } = options
  const generations = new Generations({
    supervisor,
    reader: new BundleReader(supervisor),
    compare: compareBySolver(supervisor),
    now,
    report,
    running: () => sessions.subjects(),
    installed: (digest) => holds.policyInstalled(digest),
  })
  const holds = new WaitingHolds({
    announce: report,
    answer: (signed) => supervisor.call('approval.answer', signed),
    policy: () => generations.inForce?.digest,
    now: () => now().getTime(),
  })
  const ledger = openLedger({
    supervisor,
    generations,
    isRunning: (session) => sessions.isRunning(session),
    now,
    report,
  })
  const spend = openSpend({
    supervisor,
    generations,
    isRunning: (session) => sessions.isRunning(session),
    snapshotOf: (session) => sessions.snapshotOf(session),
    cut: (cut) => gates.cut(cut),
    now,
    report,
  })
  const gates = new GatePeers({ holds, ledger: ledger.handlers(), spend })
  const sessions = new Sessions({ supervisor, generations, newSessionId, now })
  const restore: Restore = (request, client) =>
    runRestore(request, client, { supervisor, generations, newSessionId })
  const clients = new ClientPeers({
    supervisor,
    restore,
    sessions,
    generations,
    holds,
    spend,
    version,
  })
  return { generations, holds, ledger, spend, gates, sessions, clients }
}

function report(line: string): void {
  process.stderr.write(`control: ${line}\n`)
}

type Restore = (request: RestoreRequest, client: Operator) => Promise<RestoreResult>

/** The open client connections, each with the one command it may run. */
class ClientPeers {
  readonly #peers = new Set<{ close(): void }>()
  readonly #supervisor: Supervisor
  readonly #sessions: Sessions
  readonly #generations: Generations
  readonly #holds: WaitingHolds
  readonly #spend: Parts['spend']
  readonly #restore: Restore
  readonly #version: string

  constructor(parts: {
    restore: Restore
    supervisor: Supervisor
    sessions: Sessions
    generations: Generations
    holds: WaitingHolds
    spend: Parts['spend']
    version: string
  }) {
    this.#supervisor = parts.supervisor
    this.#sessions = parts.sessions
    this.#generations = parts.generations
    this.#holds = parts.holds
    this.#spend = parts.spend
    this.#restore = parts.restore
    this.#version = parts.version
  }

  attach(client: Client, handle: Handle): void {
    if (!(handle instanceof net.Socket)) return
    if (this.#peers.size >= MAX_CLIENTS) {
      handle.destroy()
      return
    }
    const peer = new Peer(`client ${client.pid}`, socketTransport(handle), {
      out: {},
      in: api,
      handlers: this.#handlersFor(client),
    })
    this.#peers.add(peer)
    peer.onClose(() => {
      this.#peers.delete(peer)
      if (client.session !== undefined) this.#sessions.clientGone(client.session)
      this.#supervisor
        .call('client.gone', { connection: client.connection })
        .catch(endWithSupervisor)
    })
    handle.resume()
  }

  close(): void {
    for (const peer of this.#peers) peer.close()
  }

  #forward(session: string, signal: Signal): void {
    this.#sessions.signal(session, signal).catch((error: unknown) => {
      process.stderr.write(`control: ${signal} for ${session}: ${String(error)}\n`)
    })
  }

  #handlersFor(client: Client): Handlers<typeof api> {
    const sessions = this.#sessions
    const early: Signal[] = []
    let hasRun = false
    return {
      run: async (request) => {
        if (hasRun) throw new SekishoError('USAGE', 'one connection runs one command')
        hasRun = true
        return sessions.run(request, client, (session) => {
          client.session = session ?? undefined
          if (session === null) return
          for (const signal of early.splice(0)) this.#forward(session, signal)
        })
      },
      start: (request) => sessions.start(request, client),
      signal: ({ signal }) => {
        if (client.session !== undefined) return sessions.signal(client.session, signal)
        // a Ctrl-C while the bundle is being read is for the session that is about to be
        if (early.length < MAX_EARLY_SIGNALS) early.push(signal)
        return {}
      },
      resize: (size) => sessions.resize(client.session, size),
      ps: () => ({ sessions: sessions.list() }),
      stop: ({ session }) => sessions.stop(session),
      'approvals.list': () => ({ holds: this.#holds.list() }),
      'approvals.show': ({ id }) => this.#holds.find(id),
      'approvals.answer': (signed) => this.#holds.answer(signed),
      'llm.budgets': async () => ({ budgets: await this.#spend.status() }),
      'restore.run': (request) => this.#restore(request, client),
      ...auditCalls(this.#supervisor, client),
      'quarantine.list': () => this.#supervisor.call('quarantine.list', {}),
      'quarantine.release': (signed) => this.#supervisor.call('quarantine.release', signed),
      'image.import': (image) => this.#supervisor.call('image.import', image),
      'snapshot.take': (request) =>
        this.#supervisor.call('snapshot.take', request, { timeoutMs: SNAPSHOT_TIMEOUT_MS }),
      'policy.reload': () => reloadPolicy(this.#generations),
      'policy.status': () => policyStatus(this.#generations, this.#supervisor),
      status: async () => {
        const status = await this.#supervisor.call('status', {})
        const degraded = [...status.degraded, ...policyDegraded(this.#generations)]
        return { ...status, degraded, version: this.#version, sessions: sessions.list().length }
      },
    }
  }
}

type AuditCalls = Pick<
  Handlers<typeof api>,
  'identity.list' | 'identity.revoke' | 'content.read' | 'llm.erase' | 'log.read'
>

/** Who acts, and who reads what: the supervisor is told whose wish it is. */
function auditCalls(supervisor: Supervisor, { uid, pid }: Client): AuditCalls {
  const reader = { uid, pid }
  return {
    'identity.list': () => supervisor.call('identity.list', {}),
    'identity.revoke': (asked) =>
      supervisor.call('identity.revoke', { ...asked, reason: 'operator', by: uid }),
    'content.read': (asked) => supervisor.call('content.read', { ...asked, reader }),
    'llm.erase': ({ session }) => supervisor.call('recording.erase', { session, by: uid }),
    'log.read': (asked) => supervisor.call('log.read', { ...asked, reader }),
  }
}

/** Without its supervisor this process has nothing to do; `disconnect` ends it. */
function endWithSupervisor(error: unknown): void {
  process.stderr.write(`control: ${String(error)}\n`)
}
