import { SekishoError, toSekishoError } from '../core/error.ts'
import { baseOfClone } from '../sandbox/clone-workspace.ts'
import { type TakenSnapshot, takeSnapshot } from '../sandbox/snapshot.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Attendant, LiveSession } from './attendants/attendant.ts'
import { openEndedChanges } from './open-changes.ts'
import { cloneOf, readSessionRecord } from './session-record.ts'
import type { SnapshotStore } from './snapshot-store.ts'

export type SnapshotsOptions = {
  store: SnapshotStore
  /** directory of all sessions' changes */
  sessions: string
  /** makes a leaf durable */
  record: (leaf: LeafInput) => Promise<unknown>
  now: () => Date
}

/** What of a running session a snapshot needs. */
type RunningSession = {
  plan: Pick<LiveSession['plan'], 'session'>
  cgroup: Pick<LiveSession['cgroup'], 'freeze' | 'thaw'>
  places: Pick<LiveSession['places'], 'changes'>
}

/** A leaf names at most this many of the areas that were left out; the index has them all. */
const MAX_LEFT_OUT = 256
const MAX_LINE = 4096

/** Takes snapshots of sessions, running or ended; each is in the log before it can be used. */
export class Snapshots {
  readonly #options: SnapshotsOptions
  readonly #live = new Map<string, RunningSession>()
  readonly #taking = new Map<string, Promise<unknown>>()

  constructor(options: SnapshotsOptions) {
    this.#options = options
  }

  /** Where they are kept. */
  get directory(): string {
    return this.#options.store.directory
  }

  attend(live: RunningSession): Attendant {
    const { session } = live.plan
    this.#live.set(session, live)
    return {
      end: async () => {
        this.#live.delete(session)
        // its disk goes next: nobody may still be reading there
        await this.#taking.get(session)?.catch(() => undefined)
        return {}
      },
    }
  }

  /**
   * A running session stands still meanwhile, all of it.
   *
   * @throws SekishoError SESSION_UNKNOWN, SNAPSHOT_INVALID, LOG_UNWRITABLE
   */
  async take(session: string, name: string | null): Promise<{ id: string; digest: string }> {
    const { store } = this.#options
    store.prepare()
    if (name !== null) store.checkName(name)
    if (this.#taking.has(session)) {
      throw new SekishoError('SNAPSHOT_INVALID', `a snapshot of ${session} is being taken`, {
        hint: 'wait for it',
      })
    }
    const taking = this.#takeOf(session)
    this.#taking.set(session, taking)
    const taken = await taking.finally(() => this.#taking.delete(session))
    await this.#settle(session, taken, name)
    return { id: taken.id, digest: taken.digest }
  }

  /**
   * The session that was before all others of a snapshot, as far back as there are records.
   *
   * @throws SekishoError SNAPSHOT_INVALID
   */
  async rootOf(snapshot: string): Promise<string> {
    const { store, sessions } = this.#options
    const seen = new Set<string>()
    let { session } = await store.read(store.resolve(snapshot))
    for (;;) {
      seen.add(session)
      const before = await originOf(session)
      if (before === undefined || seen.has(before)) return session
      session = before
    }

    async function originOf(of: string): Promise<string | undefined> {
      try {
        const { from } = readSessionRecord(sessions, of)
        return from === undefined ? undefined : (await store.read(store.resolve(from))).session
      } catch (error) {
        if (toSekishoError(error).code === 'INTERNAL') throw error
        return undefined // removed since: what came of it goes on by itself
      }
    }
  }

  async #takeOf(session: string): Promise<TakenSnapshot> {
    const live = this.#live.get(session)
    if (live === undefined) {
      return this.#takeEnded(session)
    }
    try {
      await live.cgroup.freeze()
      return await this.#copy(session, live.places.changes)
    } finally {
      live.cgroup.thaw()
    }
  }

  async #takeEnded(session: string): Promise<TakenSnapshot> {
    const { sessions } = this.#options
    const changes = await openEndedChanges(sessions, readSessionRecord(sessions, session).session)
    try {
      return await this.#copy(session, changes.upper)
    } finally {
      changes.close()
    }
  }

  #copy(session: string, upper: string): Promise<TakenSnapshot> {
    const { sessions } = this.#options
    const record = readSessionRecord(sessions, session)
    const clone = cloneOf(sessions, session)
    return takeSnapshot({
      session,
      agent: record.agent,
      workspace: record.workspace,
      base: clone === undefined ? null : baseOfClone(clone),
      changesSince: record.changesSince ?? record.startedAt,
      takenAt: this.#options.now().toISOString(),
      upper,
      areas: record.readOnly ?? [],
      store: this.#options.store.directory,
    })
  }

  /** What is not on record is not kept. */
  async #settle(session: string, taken: TakenSnapshot, name: string | null): Promise<void> {
    const { store, record } = this.#options
    const { id, digest, index } = taken
    try {
      if (name !== null) store.giveName(id, name)
      const leftOut = index.leftOut.slice(0, MAX_LEFT_OUT).map((path) => path.slice(0, MAX_LINE))
      await record({ type: 'workspace.snapshot', session, snapshot: id, digest, leftOut })
    } catch (error) {
      store.remove(id)
      throw error
    }
  }
}
