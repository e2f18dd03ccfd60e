import net from 'node:net'
import { SekishoError } from '../core/error.ts'
import { api } from '../wire/api.ts'
import { controlToSupervisor, supervisorToControl } from '../wire/control.ts'
import { type Handle, Peer, type Transport } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import { BundleReader } from './bundle-reader.ts'
import { type RunRequest, Sessions, type Signal } from './sessions.ts'

export type ControlOptions = {
  supervisor: Transport
  version: string
  newSessionId: () => string
  now: () => Date
}

/** Clients at once; one more is refused. */
const MAX_CLIENTS = 2048

type Client = {
  connection: number
  uid: number
  pid: number
  session: string | undefined
  /** signals that came while there was no session yet */
  early: Signal[]
}

/** More than a user sends by hand before a session has started. */
const MAX_EARLY_SIGNALS = 64

/** The API process: who may ask for what, and which sessions there are. */
export async function serveControl(options: ControlOptions): Promise<{ stop(): Promise<void> }> {
  const clients = new Set<Peer<Record<never, never>, typeof api>>()
  const supervisor = new Peer('supervisor', options.supervisor, {
    out: controlToSupervisor,
    in: supervisorToControl,
    handlers: {
      'client.attach': ({ connection, uid, pid }, handle) => {
        attach({ connection, uid, pid, session: undefined, early: [] }, handle)
        return {}
      },
      'session.ended': (end) => {
        sessions.ended(end)
        return {}
      },
      stop: () => ({}),
    },
  })
  const sessions = new Sessions({
    supervisor,
    bundle: new BundleReader(supervisor),
    newSessionId: options.newSessionId,
    now: options.now,
  })

  function attach(client: Client, handle: Handle): void {
    if (!(handle instanceof net.Socket)) return
    if (clients.size >= MAX_CLIENTS) {
      handle.destroy()
      return
    }
    const peer = new Peer(`client ${client.pid}`, socketTransport(handle), {
      out: {},
      in: api,
      handlers: handlersFor(client),
    })
    clients.add(peer)
    peer.onClose(() => {
      clients.delete(peer)
      if (client.session !== undefined) sessions.clientGone(client.session)
      supervisor.call('client.gone', { connection: client.connection }).catch(endWithSupervisor)
    })
    handle.resume()
  }

  function handlersFor(client: Client): ConstructorParameters<
    typeof Peer<Record<never, never>, typeof api>
  >[2]['handlers'] {
    return {
      run: async (request: RunRequest) => {
        if (client.session !== undefined) {
          throw new SekishoError('USAGE', 'one connection runs one command')
        }
        return sessions.run(request, client, (session) => {
          client.session = session
          for (const signal of client.early.splice(0)) forward(client, signal)
        })
      },
      signal: ({ signal }) => {
        if (client.session !== undefined) return sessions.signal(client.session, signal)
        if (client.early.length < MAX_EARLY_SIGNALS) client.early.push(signal)
        return {}
      },
      resize: (size) => sessions.resize(client.session, size),
      ps: () => ({ sessions: sessions.list() }),
      stop: ({ session }) => sessions.stop(session),
      status: async () => {
        const status = await supervisor.call('status', {})
        return { ...status, version: options.version, sessions: sessions.list().length }
      },
    }
  }

  function forward(client: Client, signal: Signal): void {
    sessions.signal(client.session, signal).catch((error: unknown) => {
      process.stderr.write(`control: ${signal} for ${client.session}: ${String(error)}\n`)
    })
  }

  return {
    stop: async () => {
      for (const client of clients) client.close()
    },
  }
}

/** Without its supervisor this process has nothing to do; `disconnect` ends it. */
function endWithSupervisor(error: unknown): void {
  process.stderr.write(`control: ${String(error)}\n`)
}
