import { join } from 'node:path'
import { makeDirectories } from '../../disk/make-directory.ts'
import { listSegments, SESSION_END } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import type { SessionState } from '../../lifecycle/session-state.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Keys } from '../keys.ts'
import type { Log } from '../log/open-log.ts'
import { Authority } from './authority.ts'
import { readStarted, readStates } from './recorded-sessions.ts'
import { Revocations } from './revocations.ts'
import { Standing } from './standing.ts'
import { type SessionIdentity, Svids } from './svids.ts'
import { UsedIds } from './used-ids.ts'

type StartLeaf = Extract<LeafInput, { type: 'session.start' }>

export type IdentitiesOptions = {
  /** the keyholder's own state: identities are below it, and so is the log */
  stateDir: string
  keys: Keys
  log: Log
  now: () => Date
  root: 'derived' | 'external'
  trustDomain?: string | undefined
}

/** Who everybody is: the authority, what it has issued and taken back, and which ids were used. */
export class Identities {
  readonly authority: Authority
  readonly svids: Svids
  readonly revocations: Revocations
  readonly used: UsedIds
  readonly #log: Log
  readonly #logDir: string
  /** of sessions that were open when this process began, until they are resumed */
  #states = new Map<string, SessionState>()
  /** whether there is an authority that the log may not have */
  #isUnrecorded = false

  /**
   * Reads what the log has begun since it was last read.
   *
   * @throws SekishoError CONFIG_INVALID, LOG_BROKEN, LOG_UNWRITABLE
   */
  static async open(options: IdentitiesOptions): Promise<Identities> {
    const identities = new Identities(options)
    const { used } = identities
    const { sessions, newest } = await readStarted(identities.#logDir, used.readFrom)
    for (const id of sessions) used.add(id)
    if (await identities.#readOpen()) used.keepPlace(newest, identities.#states.values())
    else used.flush()
    return identities
  }

  private constructor({ stateDir, keys, log, now, root, trustDomain }: IdentitiesOptions) {
    const dir = join(stateDir, 'identity')
    makeDirectories(dir, 0o700)
    this.#log = log
    this.#logDir = join(stateDir, 'log')
    this.authority = new Authority({ dir, keys, now, root, trustDomain, vkeys: log.vkeys })
    this.svids = new Svids(this.authority, now)
    this.revocations = new Revocations(dir, this.authority, now)
    this.used = new UsedIds(join(dir, 'sessions.sqlite'))
  }

  /** Resolves once the log says who signs. @throws SekishoError LOG_UNWRITABLE */
  async recordAuthority(): Promise<void> {
    const leaf = this.authority.unrecorded
    if (leaf === undefined) return
    this.#isUnrecorded = true
    await this.#log.append(leaf)
    this.authority.recorded(leaf)
    this.#isUnrecorded = this.authority.unrecorded !== undefined // another can have come meanwhile
  }

  /** Of a session that begins. @throws SekishoError IDENTITY_UNAVAILABLE */
  begin({ session, agent, configuration }: StartLeaf): Standing {
    return new Standing(this.certify({ session, agent, configuration }))
  }

  /**
   * Another key for a session, by an issuer that the log has: one that it has not heard of is a
   * stranger's to whoever verifies it.
   *
   * @throws SekishoError IDENTITY_UNAVAILABLE
   */
  certify(of: { session: string; agent: string; configuration: string }): SessionIdentity {
    if (!this.#isUnrecorded) return this.svids.forSession(of)
    throw new SekishoError(
      'IDENTITY_UNAVAILABLE',
      'the log does not have the issuing certificate',
      {
        hint: 'free space for the log; it is written again within a minute',
      },
    )
  }

  /**
   * Of a session that a keyholder before this one had open, with another key: its own died with that.
   *
   * @throws SekishoError SESSION_UNKNOWN when the log does not have it open
   */
  async resume(session: string): Promise<Standing> {
    const isOpen = this.#log.isOpen({ session, id: SESSION_END })
    const known = this.#states.get(session)
    this.#states.delete(session) // from here on it changes
    const state = isOpen ? (known ?? (await this.readState(session))) : undefined
    if (state === undefined) {
      throw new SekishoError('SESSION_UNKNOWN', `the log does not have ${session} open`)
    }
    const identity = state.phase === 'revoked' ? undefined : this.certify(state)
    return new Standing(identity, state)
  }

  /** @returns false when somebody has had that key before: it is a copy */
  claimKey(keyId: string): boolean {
    if (this.used.has(keyId)) return false
    this.used.makeRoom()
    this.used.add(keyId)
    return true
  }

  /** As the log has it; undefined for a session that it has not begun. */
  async readState(session: string): Promise<SessionState | undefined> {
    return (await readStates(this.#logDir, [session], this.used.known)).get(session)
  }

  /** All at once: a restart resumes hundreds, and each would read the same files. */
  async #readOpen(): Promise<boolean> {
    try {
      this.#states = await readStates(this.#logDir, this.#log.openSessions, this.used.known)
      return true
    } catch (error) {
      // the one that is wrong is found again, and refused, when it is resumed
      process.stderr.write(`keyholder: ${String(error)}\n`)
      return false
    }
  }

  /**
   * So that the next start need not read what is before: at ten million leaves that takes longer
   * than a keyholder is waited for.
   *
   * @param standings of the sessions that are open here
   * @throws SekishoError LOG_UNWRITABLE, CONFIG_INVALID
   */
  async keepPlace(standings: () => readonly Standing[]): Promise<void> {
    const newest = (await listSegments(this.#logDir)).at(-1)
    if (newest === undefined || newest <= this.used.readFrom) return
    // after the segment was looked up: what is not durable now, is written there or later
    const open = standings().flatMap(({ durable }) => durable ?? [])
    this.used.keepPlace(newest, [...this.#states.values(), ...open])
  }

  close(): void {
    this.used.close()
  }
}
