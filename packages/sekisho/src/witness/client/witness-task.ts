import { join } from 'node:path'
import { parseVkey } from '@sekisho/verify'
import type { WitnessAnswer, Witnessing, WitnessStatus } from '../../wire/witness.ts'
import { askWitnesses } from './ask-at-start.ts'
import { CosignedNotes } from './cosigned-notes.ts'
import { LogProofs } from './log-proofs.ts'
import { type Post, post } from './post.ts'
import { type RefusedLeaf, WitnessClient } from './witness-client.ts'

export type WitnessTaskOptions = {
  witnessing: Witnessing
  logDir: string
  /** the exporter's own; the notes go into a directory below it */
  stateDir: string
  record: (leaf: RefusedLeaf) => Promise<unknown>
  say: (line: string) => void
  now: () => Date
  post?: Post
}

/** Below the exporter's state directory. */
export const NOTES_DIR = 'witnesses'

/** Has every witness cosign what is new, each at its own pace; one that hangs holds up no other. */
export class WitnessTask {
  readonly #paces: readonly Pace[]
  readonly #asking: Omit<Parameters<typeof askWitnesses>[0], 'durable'>

  constructor(options: WitnessTaskOptions) {
    const { witnessing, logDir, stateDir, record, say, now } = options
    const logKeys = witnessing.logVkeys.map((vkey) => parseVkey(vkey))
    const notes = new CosignedNotes(join(stateDir, NOTES_DIR))
    const proofs = (): LogProofs => new LogProofs(logDir, logKeys)
    this.#asking = { witnessing, notes, proofs, now }
    this.#paces = witnessing.witnesses.map((witness) => {
      const client = new WitnessClient({
        witness,
        bounds: witnessing,
        logKeys,
        notes,
        proofs,
        post: options.post ?? post,
        now,
        elapsedMs: () => performance.now(),
        record,
        say,
      })
      return new Pace(client, { everyMs: witnessing.everyMs, say })
    })
  }

  /** The log has so many durable leaves; only these are shown to anybody. */
  grown(durable: number): void {
    for (const pace of this.#paces) pace.grown(durable)
  }

  /** What they know of the log that its files may have lost; for a start, bounded in time. */
  ask(durable: number): Promise<WitnessAnswer[]> {
    return askWitnesses({ ...this.#asking, durable })
  }

  status(): WitnessStatus[] {
    return this.#paces.map((pace) => pace.status())
  }

  async stop(): Promise<void> {
    await Promise.all(this.#paces.map((pace) => pace.stop()))
  }
}

/** One submission at a time, at most one in `everyMs`. */
class Pace {
  readonly #client: WitnessClient
  readonly #everyMs: number
  readonly #say: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #hasGrown = false
  #isStopped = false

  constructor(
    client: WitnessClient,
    { everyMs, say }: { everyMs: number; say: (line: string) => void },
  ) {
    this.#client = client
    this.#everyMs = everyMs
    this.#say = say
  }

  grown(durable: number): void {
    this.#client.grown(durable)
    this.#hasGrown = true
    if (this.#timer === undefined && this.#running === undefined) this.#start()
  }

  status(): WitnessStatus {
    return this.#client.status()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #start(): void {
    this.#timer = undefined
    if (this.#isStopped) return
    this.#hasGrown = false
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  async #run(): Promise<void> {
    let delayMs: number | null = this.#everyMs
    try {
      delayMs = await this.#client.catchUp()
    } catch (thrown) {
      this.#say(`a witness could not be asked: ${String(thrown)}`)
    }
    if (delayMs !== null) this.#hasGrown = true // what there was is there still
    this.#wait(delayMs ?? this.#everyMs)
  }

  /** Also with nothing to do: what grew meanwhile waits for the pace, not for the next leaf. */
  #wait(ms: number): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#hasGrown) this.#start()
    }, ms)
  }
}
