import { SekishoError } from '../core/error.ts'
import type { controlToSupervisor, RestorePlan, SessionEnd, SessionPlan } from '../wire/control.ts'
import type { keyholderToSupervisor } from '../wire/keyholder.ts'
import type { Handlers } from '../wire/peer.ts'
import type { RestoreResult } from '../wire/restore.ts'
import type { KeyholderPeer } from './child-kinds.ts'
import type { Quarantine } from './quarantine.ts'
import { readContentOnRecord } from './read-content.ts'
import type { Revocation } from './revocation.ts'
import type { SessionTable } from './session-table.ts'
import type { Snapshots } from './snapshots.ts'

/** A session that has ended is gone in a second; one with a process that cannot be killed is not. */
const SETTLE_TIMEOUT_MS = 30_000

type Calls = Handlers<typeof controlToSupervisor>
type SessionCalls = Pick<
  Calls,
  | 'session.start'
  | 'session.refuse'
  | 'session.signal'
  | 'session.settled'
  | 'session.resize'
  | 'session.stop'
>
type OwnCalls =
  | keyof SessionCalls
  | 'approval.answer'
  | 'client.gone'
  | 'restore.run'
  | 'content.read'
  | 'recording.erase'
  | 'log.read'
  | 'identity.list'
  | 'identity.revoke'
  | 'quarantine.list'
  | 'quarantine.release'
  | 'image.import'
  | 'snapshot.take'
  | 'spend.chain'

export type ControlHandling = {
  table: SessionTable
  quarantine: Quarantine
  snapshots: Snapshots
  revocation: Revocation
  onSession: (plan: SessionPlan, ended: (end: SessionEnd) => void) => Promise<number>
  onRestore: (plan: RestorePlan) => Promise<RestoreResult>
  onClientGone: (connection: number) => void
  reportEnd: (end: SessionEnd) => void
}

type Beside = {
  /** @throws SekishoError PEER_UNAVAILABLE */
  keyholder: () => KeyholderPeer
  /** what other parts answer */
  others: Omit<Calls, OwnCalls>
}

/** What the supervisor does for control. */
export function controlHandlers(handling: ControlHandling, { keyholder, others }: Beside): Calls {
  const { quarantine, snapshots, revocation, onClientGone, onRestore } = handling
  return {
    ...others,
    ...sessionHandlers(handling, keyholder),
    'approval.answer': (signed) => keyholder().call('approval.answer', signed),
    'client.gone': ({ connection }) => {
      onClientGone(connection)
      return {}
    },
    'restore.run': (plan) => onRestore(plan),
    'content.read': (asked) => readContentOnRecord(asked, keyholder),
    'recording.erase': (asked) => keyholder().call('recording.erase', asked),
    'log.read': (read) => keyholder().call('record', { leaf: { type: 'log.read', ...read } }),
    'identity.list': () => keyholder().call('identity.list', {}),
    'identity.revoke': (asked) => revocation.revoke(asked),
    'quarantine.list': () => quarantine.list(),
    'quarantine.release': (signed) => quarantine.release(signed),
    'image.import': async (image) => {
      await keyholder().call('record', { leaf: { type: 'image.import', ...image } })
      return {}
    },
    'snapshot.take': async ({ session, name }) => {
      const { id, digest } = await snapshots.take(session, name)
      return { snapshot: id, digest }
    },
    'spend.chain': async ({ snapshot }) => ({ session: await snapshots.rootOf(snapshot) }),
  }
}

function sessionHandlers(
  { table, onSession, reportEnd }: ControlHandling,
  keyholder: () => KeyholderPeer,
): SessionCalls {
  const find = (id: string): NonNullable<ReturnType<SessionTable['get']>> => {
    const session = table.get(id)
    if (session === undefined) throw new SekishoError('SESSION_UNKNOWN', `no session ${id} runs`)
    return session
  }
  return {
    'session.start': async (plan) => ({ pid: await onSession(plan, reportEnd) }),
    'session.refuse': async (refusal) => {
      await keyholder().call('record', { leaf: { type: 'session.refused', ...refusal } })
      return {}
    },
    'session.signal': ({ session, signal }) => {
      find(session).signal(signal)
      return {}
    },
    'session.settled': async ({ session }) => {
      const late = AbortSignal.timeout(SETTLE_TIMEOUT_MS)
      while (table.get(session) !== undefined && !late.aborted) await table.changed(late)
      if (table.get(session) === undefined) return {}
      throw new SekishoError('TIMEOUT', `${session} is not gone after ${SETTLE_TIMEOUT_MS} ms`)
    },
    'session.resize': ({ session, ...size }) => {
      find(session).resize(size)
      return {}
    },
    'session.stop': ({ session, reason }) => {
      table.get(session)?.stop(reason)
      return {}
    },
  }
}

/** What the keyholder tells the supervisor; how it reacts is {@link Revocation}'s. */
export function keyholderHandlers(revocation: Revocation): Handlers<typeof keyholderToSupervisor> {
  return {
    'identity.conflict': (conflict) => {
      revocation.conflict(conflict)
      return {}
    },
    'canary.hit': ({ session, detail }) => {
      revocation.canary(session, detail)
      return {}
    },
  }
}
