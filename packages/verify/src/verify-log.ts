import { openCheckpoint } from './open-checkpoint.ts'
import { isSession, type OpenEntry } from './open-entries.ts'
import { type NoteVerifier, parseVkey } from './vkey.ts'
import { type Fault, isFault, type LogSource, type Segment } from './segment.ts'
import { LogState, type StagedLeaf } from './state.ts'
import { parseNoteLine, walkSegment } from './walk.ts'

export type SoundLog = {
  kind: 'sound'
  /** leaves; the same as the checkpoint says */
  size: number
  /** base64 */
  root: string
  /** the last signed note: keep it, and give it as `previousCheckpoint` next time */
  checkpoint: string | null
  checkpoints: number
  segments: number
  types: Record<string, number>
  gaps: number
  /** allowed intents without an outcome at the tail: actions under way, or cut off */
  open: OpenEntry[]
  /** sessions without an end or a gap at the tail: they run, or were cut off */
  openSessions: string[]
  /** bytes after the last checkpoint of the last segment that has one, never acknowledged */
  unsealedBytes: number
}

export type BrokenLog = { kind: 'broken' } & Fault

/** Leaves that a checkpoint seals, as they stand in the log. */
export type SealedLeaves = {
  /** of the first */
  index: number
  segment: number
  leaves: readonly StagedLeaf[]
  /** canonical form of each */
  bytes: readonly Buffer[]
}

/** A checkpoint whose tree and log's own signature are good. */
export type SealedHead = {
  /** signed note */
  note: string
  /** leaves that it is over */
  size: number
  /** leaves among them that no checkpoint was over before */
  sealed: number
}

/** Whoever looks at the leaves while the log is verified; what it sees is sealed. */
export type LogFollower = {
  onSealed(sealed: SealedLeaves): void
  /** after the leaves that it seals: why the log is broken there; undefined goes on */
  onHead?(head: SealedHead): string | undefined
  /** awaited now and then, which bounds what waits in the follower */
  drain(): Promise<void>
}

export type VerifyOptions = {
  /** a signed note of this log, kept since an earlier time */
  previousCheckpoint?: string | undefined
  follower?: LogFollower | undefined
}

/** A signed tree head that the log must pass through. */
type Promised = { size: number; root: Buffer; whence: string }

/**
 * Reads a whole log, oldest leaf first, in constant memory, and says whether it is sound.
 *
 * Without an earlier checkpoint nobody can see that the newest leaves were cut off together
 * with the checkpoints that sealed them; with one, that and any rewriting before it shows.
 *
 * @param vkey of the log, from somewhere else than the log itself
 * @throws TypeError for a malformed vkey; what the source throws when it cannot be read
 */
export async function verifyLogOf(
  source: LogSource,
  vkey: string,
  { previousCheckpoint, follower }: VerifyOptions = {},
): Promise<SoundLog | BrokenLog> {
  const verification = new Verification(parseVkey(vkey), follower)
  const refused = verification.promise(previousCheckpoint)
  if (refused !== undefined) return { kind: 'broken', ...refused }
  const fault = await verification.read(source)
  return fault === undefined ? verification.report() : { kind: 'broken', ...fault }
}

class Verification {
  readonly #verifier: NoteVerifier
  readonly #follower: LogFollower | undefined
  readonly #state = LogState.empty()
  readonly #types = new Map<string, number>()
  #promised: Promised[] = []
  #checkpoints = 0
  #segments = 0
  #unsealedBytes = 0

  constructor(verifier: NoteVerifier, follower: LogFollower | undefined) {
    this.#verifier = verifier
    this.#follower = follower
  }

  promise(note: string | undefined): Fault | undefined {
    if (note === undefined) return undefined
    const opened = openCheckpoint(note, this.#verifier)
    if (opened.kind === 'refused') {
      return {
        index: 0,
        segment: 0,
        line: 0,
        reason: `the previous checkpoint is ${opened.reason}`,
      }
    }
    this.#promised.push({ ...opened.checkpoint, whence: 'the previous checkpoint' })
    return undefined
  }

  async read(source: LogSource): Promise<Fault | undefined> {
    const numbers = await source.list()
    let current: Segment | undefined
    for (const [i, number] of numbers.entries()) {
      this.#segments = number
      if (number !== i + 1) return this.#fault(number, `segment ${i + 1} is missing`)
      const next = await source.open(number)
      if (isFault(next)) return next
      if (next.header === null) continue
      const fault = current && (await this.#readSegment(current, next))
      if (fault !== undefined) return fault
      current = next
    }
    return (current && (await this.#readSegment(current, undefined))) ?? this.#unkept()
  }

  async #readSegment(segment: Segment, next: Segment | undefined): Promise<Fault | undefined> {
    if (segment.headerText !== this.#state.headerText(segment.number)) {
      return this.#fault(segment.number, 'the header does not continue the segment before')
    }
    const end = await walkSegment(segment, {
      state: this.#state,
      endSize: next?.header?.size,
      endNote: next?.header?.checkpoint,
      canonical: true,
      onCheckpoint: (note) => this.#checkSignature(note),
      onSealed: (leaves, bytes) => {
        this.#count(leaves)
        const index = this.#state.size - leaves.length
        this.#follower?.onSealed({ index, segment: segment.number, leaves, bytes })
      },
      onHead: (note, sealed) => this.#follower?.onHead?.({ note, size: this.#state.size, sealed }),
      drain: async () => this.#follower?.drain(),
      onAbandoned: (bytes) => this.#keepPromise(bytes),
    })
    if (isFault(end)) return end
    this.#unsealedBytes = end.unsealedBytes
    return undefined
  }

  #checkSignature(note: string): string | undefined {
    const opened = openCheckpoint(note, this.#verifier)
    if (opened.kind === 'refused') return opened.reason
    const { size, root } = opened.checkpoint
    const broken = this.#promised.find((one) => one.size === size && !one.root.equals(root))
    if (broken !== undefined) return `${broken.whence} has another root for ${size} leaves`
    // a promise for a size between two checkpoints would need a proof; ours are always sealed
    const passed = this.#promised.find((one) => one.size > this.#state.size && one.size < size)
    if (passed !== undefined) return `${passed.whence} for ${passed.size} leaves is not among these`
    this.#promised = this.#promised.filter((one) => one.size > size)
    return undefined
  }

  #count(leaves: readonly StagedLeaf[]): void {
    this.#checkpoints += 1
    for (const { type } of leaves) this.#types.set(type, (this.#types.get(type) ?? 0) + 1)
  }

  /**
   * A batch that was written and signed, but whose flush failed, is written again by the next
   * segment. Its signature stands: were the log to go on otherwise, it would have forked.
   */
  #keepPromise(bytes: Buffer): void {
    const note = parseNoteLine(bytes)
    const opened = note === undefined ? undefined : openCheckpoint(note, this.#verifier)
    if (opened?.kind !== 'opened') return
    this.#promised.push({ ...opened.checkpoint, whence: 'a checkpoint at the end of a segment' })
  }

  #unkept(): Fault | undefined {
    const { size, root } = this.#state
    const unkept = this.#promised.find((one) => one.size !== size || !one.root.equals(root))
    if (unkept === undefined) return undefined
    const reason = `the log ends after ${size} leaves, ${unkept.whence} is for ${unkept.size}`
    return this.#fault(this.#segments, reason)
  }

  #fault(segment: number, reason: string): Fault {
    return { index: this.#state.size, segment, line: 1, reason }
  }

  report(): SoundLog {
    return {
      kind: 'sound',
      size: this.#state.size,
      root: this.#state.root.toString('base64'),
      checkpoint: this.#state.note,
      checkpoints: this.#checkpoints,
      segments: this.#segments,
      types: Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1))),
      gaps: this.#types.get('gap') ?? 0,
      open: this.#state.open.filter((entry) => !isSession(entry)),
      openSessions: this.#state.open.filter(isSession).map(({ session }) => session),
      unsealedBytes: this.#unsealedBytes,
    }
  }
}
