import { SekishoError } from '../core/error.ts'
import type { Operator } from '../policy/operators.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { QuarantineEntry, Quarantines, SignedRelease } from '../wire/quarantine.ts'
import { readQuarantineFile, writeQuarantineFile } from './quarantine-file.ts'
import { agree } from './quarantine-release.ts'

/** Released ones are history, which the log has too; those in force are never dropped. */
const MAX_RELEASED = 200

export type QuarantineOptions = {
  /** the store; in a directory of root's */
  file: string
  record: (leaf: LeafInput) => Promise<unknown>
  /** those of the bundle as it is now */
  operators: () => readonly Operator[]
  now: () => Date
  newId: () => string
}

/** What a session is made of, as far as quarantine asks. */
export type Subject = Pick<SessionPlan, 'agent' | 'configuration' | 'rootfs'>

/**
 * Which agents and images may not start: by the agent's name and by the digest of its definition,
 * so that neither a new name nor a trivial edit lets it in, and by the digest of its image.
 *
 * The supervisor holds it, since the control process is one that an intruder could take over.
 */
export class Quarantine {
  readonly #options: QuarantineOptions
  #entries: readonly QuarantineEntry[]
  /** why the store is behind what is in force */
  #unwritten: unknown
  #releasing: Promise<unknown> = Promise.resolve()

  /** @throws SekishoError CONFIG_INVALID when the store cannot be read */
  constructor(options: QuarantineOptions) {
    this.#options = options
    this.#entries = readQuarantineFile(options.file)
  }

  /** Why a session of this may not start; undefined when it may. */
  refuse(subject: Subject): SekishoError | undefined {
    const entry = this.inForce(subject)
    if (entry !== undefined) return refusal(subject, entry)
    if (this.#unwritten === undefined) return undefined
    this.#write(this.#entries)
    if (this.#unwritten === undefined) return undefined
    return new SekishoError(
      'QUARANTINED',
      'the list of quarantines cannot be written: no session starts',
      {
        hint: `make room on the disk of ${this.#options.file}`,
        cause: this.#unwritten,
      },
    )
  }

  /** The first thing of every start. @throws SekishoError QUARANTINED, when that is in the log */
  async admit(subject: Subject): Promise<void> {
    const error = this.refuse(subject)
    if (error === undefined) return
    await this.#options.record({
      type: 'session.refused',
      agent: subject.agent,
      configuration: subject.configuration,
      rule: 'invariant.quarantine',
      reason: error.message,
    })
    throw error
  }

  inForce(subject: Subject): QuarantineEntry | undefined {
    return this.#entries.find((entry) => entry.releasedAt === null && covers(entry, subject))
  }

  /**
   * In force when it returns, whether or not it could be written: what is not on the disk stops
   * every further session until it is. Its leaf is the caller's to record, see {@link setLeaf}.
   *
   * @returns the one that is in force already for exactly this, or a new one
   */
  set(
    subject: Subject,
    because: Pick<QuarantineEntry, 'session' | 'reason' | 'evidence'>,
  ): {
    entry: QuarantineEntry
    isNew: boolean
  } {
    const { agent, configuration } = subject
    const image = imageOf(subject)
    const known = this.#entries.find(
      (entry) =>
        entry.releasedAt === null &&
        entry.agent === agent &&
        entry.configuration === configuration &&
        entry.image === image,
    )
    if (known !== undefined) return { entry: known, isNew: false }
    const entry: QuarantineEntry = {
      id: this.#options.newId(),
      agent,
      configuration,
      image,
      ...because,
      setAt: this.#options.now().toISOString(),
      consents: [],
      releasedAt: null,
    }
    this.#write([...this.#entries, entry])
    return { entry, isNew: true }
  }

  list(): Quarantines {
    return {
      entries: [...this.#entries],
      operators: this.#options.operators().map(({ name }) => name),
    }
  }

  /**
   * One operator's consent; the second different one releases. It is in the log before it counts.
   *
   * @throws SekishoError PERMISSION_REQUIRED for a signature that does not count and says why;
   *   SESSION_UNKNOWN for an id that is not in force
   */
  release(signed: SignedRelease): Promise<QuarantineEntry> {
    const next = this.#releasing.then(() => this.#release(signed))
    this.#releasing = next.catch(() => undefined) // told to its caller; the next one starts anew
    return next
  }

  async #release(signed: SignedRelease): Promise<QuarantineEntry> {
    const { operators, now, record } = this.#options
    const entry = this.#entries.find(({ id }) => id === signed.statement.quarantine)
    const agreed = agree(entry, signed, { operators: operators(), now: now() })
    await record({
      type: 'quarantine.release',
      id: agreed.id,
      operators: agreed.consents.map(({ operator, key }) => ({ name: operator, key })),
      reason: signed.statement.reason,
      released: agreed.releasedAt !== null,
    })
    this.#write(this.#entries.map((other) => (other.id === agreed.id ? agreed : other)))
    if (this.#unwritten === undefined) return agreed
    throw new SekishoError('QUARANTINED', 'the list of quarantines cannot be written', {
      hint: 'no session starts until it can; make room on the disk of the state directory',
      cause: this.#unwritten,
    })
  }

  #write(entries: readonly QuarantineEntry[]): void {
    this.#entries = forgetOldest(entries)
    try {
      writeQuarantineFile(this.#options.file, this.#entries)
      this.#unwritten = undefined
    } catch (error) {
      this.#unwritten = error
    }
  }
}

/** What is written into the log when a quarantine begins. */
export function setLeaf(entry: QuarantineEntry): LeafInput {
  const { id, agent, configuration, image, session, reason } = entry
  return { type: 'quarantine.set', id, agent, configuration, image, session, reason }
}

function imageOf({ rootfs }: Subject): string | null {
  return rootfs.kind === 'image' ? rootfs.digest : null
}

function covers(entry: QuarantineEntry, subject: Subject): boolean {
  if (entry.agent === subject.agent || entry.configuration === subject.configuration) return true
  return entry.image !== null && entry.image === imageOf(subject)
}

function refusal(subject: Subject, { id, agent, reason }: QuarantineEntry): SekishoError {
  const what = agent === subject.agent ? `agent ${agent}` : `what agent ${subject.agent} is made of`
  return new SekishoError('QUARANTINED', `${what} is in quarantine ${id}: ${reason}`, {
    hint: `look with \`sekisho quarantine show ${id}\`; two operators release it with \`sekisho quarantine release ${id}\``,
  })
}

function forgetOldest(entries: readonly QuarantineEntry[]): readonly QuarantineEntry[] {
  const released = entries.filter(({ releasedAt }) => releasedAt !== null)
  const dropped = new Set(released.slice(0, Math.max(0, released.length - MAX_RELEASED)))
  return entries.filter((entry) => !dropped.has(entry))
}
