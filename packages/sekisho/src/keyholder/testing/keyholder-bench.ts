import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLeaves } from '@sekisho/verify'
import { ContentStore } from '../blobs/content-store.ts'
import { KeptContents } from '../blobs/kept-contents.ts'
import { RecordingStore } from '../recordings/recording-store.ts'
import { Recordings } from '../recordings/recordings.ts'
import { GateService } from '../gate-service.ts'
import type { Conflict } from '../identity/gate-channel.ts'
import type { Keyholder } from '../keyholder.ts'
import { Keys } from '../keys.ts'
import { type FailingFiles, failingFiles } from './failing-files.ts'
import { startLeaf } from './leaves.ts'
import { openKeyholder } from './open-keyholder.ts'

/** A keyholder in this process and the gates that speak to it, with a clock that can be set. */
export class KeyholderBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'sekisho-identity-'))
  readonly keys = new Keys(Buffer.alloc(32, 7))
  readonly files: FailingFiles = failingFiles()
  readonly conflicts: (Conflict & { by: number | null })[] = []
  readonly canaries: { session: string; detail: string }[] = []
  nowMs = Date.parse('2026-11-22T12:00:00.000Z')
  #keyholder: Keyholder | undefined
  #gates: GateService | undefined
  #recordings: Recordings | undefined

  static async open(): Promise<KeyholderBench> {
    const bench = new KeyholderBench()
    await bench.start()
    return bench
  }

  get keyholder(): Keyholder {
    if (this.#keyholder === undefined) throw new Error('not open')
    return this.#keyholder
  }

  get gates(): GateService {
    if (this.#gates === undefined) throw new Error('not open')
    return this.#gates
  }

  get recordings(): Recordings {
    if (this.#recordings === undefined) throw new Error('not open')
    return this.#recordings
  }

  /** As after a restart: nothing is remembered but what is on the disk. */
  async restart(): Promise<void> {
    await this.keyholder.shut()
    this.gates.closeAll()
    await this.start()
  }

  async start(): Promise<void> {
    const now = (): Date => new Date(this.nowMs)
    const { dir: stateDir, keys, files, conflicts } = this
    const keyholder = await openKeyholder({ stateDir, keys, files, now, conflicts })
    const contents = new KeptContents({
      store: new ContentStore({ dir: join(stateDir, 'contents'), keys, now: () => this.nowMs }),
      running: (id) => keyholder.sessions.present(id),
      append: (leaf) => keyholder.log.append(leaf),
      now: () => this.nowMs,
    })
    const recordings = this.#openRecordings(keyholder)
    this.#keyholder = keyholder
    this.#recordings = recordings
    this.#gates = new GateService({
      keyholder,
      contents,
      recordings,
      tellCanary: (hit) => void this.canaries.push(hit),
    })
  }

  #openRecordings(keyholder: Keyholder): Recordings {
    const now = (): number => this.nowMs
    return new Recordings({
      store: new RecordingStore({ dir: join(this.dir, 'recordings'), keys: this.keys, now }),
      running: (id) => keyholder.sessions.present(id),
      append: (leaf) => keyholder.log.append(leaf),
      now,
    })
  }

  async begin(session: string, gate = 0): Promise<void> {
    const opening = { secrets: [], leaf: startLeaf(session), printKey: null, gate }
    await this.keyholder.open(session, opening)
  }

  async resume(session: string, gate = 0): Promise<void> {
    await this.keyholder.open(session, { secrets: [], leaf: null, printKey: null, gate })
  }

  async leaves(): Promise<Record<string, unknown>[]> {
    const found: Record<string, unknown>[] = []
    for await (const { leaf } of readLeaves(join(this.dir, 'log'))) found.push(leaf)
    return found
  }

  async types(): Promise<unknown[]> {
    return (await this.leaves()).map(({ type }) => type)
  }

  async close(): Promise<void> {
    this.gates.closeAll()
    await this.keyholder.shut()
    rmSync(this.dir, { recursive: true })
  }
}
