import { join } from 'node:path'
import { parseVkey } from '@sekisho/verify'
import type { Witnessing, WitnessStatus } from '../../wire/witness.ts'
import { CosignedNotes } from './cosigned-notes.ts'
import { LogProofs } from './log-proofs.ts'
import { type Post, post } from './post.ts'
import { type RefusedLeaf, WitnessClient } from './witness-client.ts'

export type WitnessTaskOptions = {
  witnessing: Witnessing
  logDir: string
  /** the exporter's own; the notes go into a directory below it */
  stateDir: string
  record(leaf: RefusedLeaf): Promise<unknown>
  say(line: string): void
  now(): Date
  post?: Post
}

/** Below the exporter's state directory. */
export const NOTES_DIR = 'witnesses'

/** Has every witness cosign what is new, each at its own pace; one that hangs holds up no other. */
export class WitnessTask {
  readonly #paces: readonly Pace[]

  constructor(options: WitnessTaskOptions) {
    const { witnessing, logDir, stateDir, record, say, now } = options
    const logKeys = witnessing.logVkeys.map((vkey) => parseVkey(vkey))
    const notes = new CosignedNotes(join(stateDir, NOTES_DIR))
    this.#paces = witnessing.witnesses.map((witness) => {
      const client = new WitnessClient({
        witness,
        bounds: witnessing,
        logKeys,
        notes,
        proofs: () => new LogProofs(logDir, logKeys),
        post: options.post ?? post,
        now,
        elapsedMs: () => performance.now(),
        record,
        say,
      })
      return new Pace(client, { everyMs: witnessing.everyMs, say })
    })
  }

  grown(): void {
    for (const pace of this.#paces) pace.grown()
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

  grown(): void {
    this.#client.grown()
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
