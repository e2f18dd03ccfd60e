import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ContentFiles } from '../blobs/content-files.ts'
import { sha256Of, unkept } from '../blobs/sealed-content.ts'
import type { Keys } from '../keys.ts'
import { addPlaces, type Places, placesIn, rebuild } from './read-segments.ts'
import {
  lost,
  makeSessionKey,
  nameRecording,
  openSessionKey,
  SEAL_BYTES,
  type SessionKey,
} from './sealed-recording.ts'
import { Segment } from './segment.ts'
import { type Put, type PutResult, SessionRecordings } from './session-recordings.ts'

const MIB = 2 ** 20
/** Recordings of one session, as they stand on the disk. */
const MAX_SESSION_BYTES = 1024 * MIB
/** Recordings of all sessions. */
const MAX_TOTAL_BYTES = 32 * 1024 * MIB
/** What is left to the log, which has the same disk: without it nothing may leave at all. */
const MIN_FREE_BYTES = 256 * MIB
/** How long, and for how many bytes, what the disk has free is counted on: others write there too. */
const FREE_KNOWN_MS = 500
const FREE_KNOWN_BYTES = 16 * MIB
/** How long one file is written to: it goes as a whole when its last recording is over its time. */
const SEGMENT_MS = 24 * 60 * 60_000

const SEGMENT = /^(?<session>s-[0-9a-z]{20})\.(?<number>[1-9][0-9]{0,8})\.rec$/
const KEY = /^s-[0-9a-z]{20}\.key$/

type Kept = { name: string; number: number; bytes: number; writtenMs: number }
type Open = { segment: Segment; kept: Kept; openedMs: number }

/** One session while it is recorded. */
type Live = { recordings: SessionRecordings; opening: Promise<Open> | undefined }

/** What goes of one session. */
export type Removed = { recordings: number; bytes: number }

export type RecordingLimits = {
  sessionBytes: number
  totalBytes: number
  minFreeBytes: number
  segmentMs: number
}

const USUAL: RecordingLimits = {
  sessionBytes: MAX_SESSION_BYTES,
  totalBytes: MAX_TOTAL_BYTES,
  minFreeBytes: MIN_FREE_BYTES,
  segmentMs: SEGMENT_MS,
}

/**
 * What models were asked and what they said: append-only files of each session, under a key of its
 * own that is kept beside them. With the key's file gone, what is left says nothing to anybody.
 */
export class RecordingStore {
  readonly #dir: string
  readonly #keys: Keys
  readonly #files: ContentFiles
  readonly #limits: RecordingLimits
  readonly #now: () => number
  readonly #kept = new Map<string, Kept[]>()
  readonly #withKey = new Set<string>()
  readonly #live = new Map<string, Promise<Live>>()
  /** of those, what has been opened */
  readonly #recorded = new Map<string, SessionRecordings>()
  readonly #removing = new Map<string, Promise<void>>()
  /** of each session, what is on its way to the disk: it ends before anything of the session goes */
  readonly #putting = new Map<string, Set<Promise<unknown>>>()
  #totalBytes = 0
  #free = { bytes: 0, atMs: Number.NEGATIVE_INFINITY, taken: 0 }

  /** @param now Unix ms */
  constructor(
    { dir, keys, now }: { dir: string; keys: Keys; now: () => number },
    limits: Partial<RecordingLimits> = {},
  ) {
    this.#dir = dir
    this.#keys = keys
    this.#now = now
    this.#limits = { ...USUAL, ...limits }
    this.#files = new ContentFiles(dir)
    for (const { name } of this.#files.list(KEY)) this.#withKey.add(name.slice(0, -4))
    for (const { name, bytes, writtenMs } of this.#files.list(SEGMENT)) {
      const { session = '', number } = SEGMENT.exec(name)?.groups ?? {}
      this.#add(session, { name, number: Number(number), bytes, writtenMs })
    }
  }

  /**
   * Keeps one side of a call, durable when it resolves; what is kept already is not written again.
   *
   * @throws SekishoError CONTENT_UNKEPT when it would pass a quota or cannot be written
   */
  async put(session: string, put: Put): Promise<PutResult> {
    while (this.#removing.has(session)) await this.#removing.get(session)
    const putting = this.#put(session, put)
    const all = this.#putting.get(session) ?? new Set<Promise<unknown>>()
    this.#putting.set(session, all.add(putting))
    try {
      return await putting
    } finally {
      all.delete(putting)
      if (all.size === 0) this.#putting.delete(session)
    }
  }

  async #put(session: string, put: Put): Promise<PutResult> {
    const live = await this.#liveOf(session)
    const { segment, kept } = await this.#segmentOf(session, live)
    return live.recordings.put(put, segment, (bytes) => this.#take(session, kept, bytes))
  }

  /** Whether this keyholder has made it durable, and not long ago. */
  has(session: string, digest: string): boolean {
    return this.#recorded.get(session)?.has(digest) ?? false
  }

  /** @throws SekishoError CONTENT_LOST when it is not there, not there any more, or not what it was */
  async get(session: string, digest: string): Promise<Buffer> {
    const key = await this.#readKey(session)
    const content = await rebuild(key, await this.#places(session), digest)
    if (nameRecording(key, sha256Of(content)) === digest) return content
    throw lost(session, 'are not what they were kept as')
  }

  /** The session has ended: what is open for it is closed. */
  async release(session: string): Promise<void> {
    const live = await this.#live.get(session)?.catch(() => undefined)
    this.#live.delete(session)
    this.#recorded.delete(session)
    const open = await live?.opening?.catch(() => undefined)
    await open?.segment.close()
  }

  /** Sessions with a file that was written to for the last time before then. */
  withOlderThan(beforeMs: number): string[] {
    return [...this.#kept]
      .filter(([, all]) => all.some(({ writtenMs }) => writtenMs < beforeMs))
      .map(([session]) => session)
  }

  /**
   * Removes what was written for the last time before then, or everything; with the last file of a
   * session its key goes, and goes first: what a crash leaves behind can be read by nobody. Nothing
   * of the session is recorded meanwhile.
   *
   * @param record puts on record what will be removed, before it is
   */
  async remove(
    session: string,
    beforeMs: number,
    record: (what: Removed) => Promise<unknown>,
  ): Promise<Removed> {
    while (this.#removing.has(session)) await this.#removing.get(session)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#removing.set(session, promise)
    try {
      const ahead = this.#putting.get(session)
      if (ahead !== undefined) await Promise.allSettled(ahead)
      return await this.#remove(session, beforeMs, record)
    } finally {
      this.#removing.delete(session)
      resolve()
    }
  }

  async #remove(
    session: string,
    beforeMs: number,
    record: (what: Removed) => Promise<unknown>,
  ): Promise<Removed> {
    const all = this.#kept.get(session) ?? []
    const old = all.filter(({ writtenMs }) => writtenMs < beforeMs)
    const isAll = old.length === all.length
    if (isAll) await this.release(session) // what is queued counts as well
    const names = old.map(({ name }) => name)
    const what = { recordings: await this.#count(names), bytes: sumOf(old) }
    await record(what)
    if (isAll) await this.#files.remove([keyName(session)])
    if (isAll) this.#withKey.delete(session)
    await this.#files.remove(names)
    this.#totalBytes -= sumOf(old)
    const left = all.filter((kept) => !old.includes(kept))
    if (left.length === 0) this.#kept.delete(session)
    else this.#kept.set(session, left)
    return what
  }

  async #count(names: readonly string[]): Promise<number> {
    const each = names.map(async (name) => (await placesIn(join(this.#dir, name))).size)
    return (await Promise.all(each)).reduce((sum, size) => sum + size, 0)
  }

  #liveOf(session: string): Promise<Live> {
    const known = this.#live.get(session)
    if (known !== undefined) return known
    const opening = this.#openKey(session).then((key): Live => {
      const recordings = new SessionRecordings(key)
      this.#recorded.set(session, recordings)
      return { recordings, opening: undefined }
    })
    this.#live.set(session, opening)
    opening.catch(() => this.#live.delete(session)) // tried again with the next
    return opening
  }

  async #openKey(session: string): Promise<SessionKey> {
    if (this.#withKey.has(session)) return this.#readKey(session)
    this.#checkRoom(session, SEAL_BYTES)
    const { key, file } = makeSessionKey(this.#keys, session)
    await this.#files.write(keyName(session), file).catch((cause: unknown) => {
      throw unkept('its key cannot be written', cause)
    })
    this.#withKey.add(session)
    return key
  }

  async #readKey(session: string): Promise<SessionKey> {
    if (!this.#withKey.has(session)) throw lost(session, 'are not kept, or not any more')
    const file = await this.#files.read(keyName(session)).catch((cause: unknown) => {
      throw lost(session, 'have no key any more', cause)
    })
    return openSessionKey(this.#keys, session, file)
  }

  async #segmentOf(session: string, live: Live): Promise<Open> {
    const opening = (live.opening ??= this.#openSegment(session))
    const open = await opening.catch((cause: unknown) => {
      if (live.opening === opening) live.opening = undefined
      throw unkept('its file cannot be made', cause)
    })
    const isOld = this.#now() - open.openedMs >= this.#limits.segmentMs
    if (!open.segment.isOver && !isOld) return open
    if (live.opening === opening) {
      live.opening = undefined
      await open.segment.close()
      this.#dropEmpty(session, open)
    } // else another call has seen it, and opened the next
    return this.#segmentOf(session, live)
  }

  /** Never one that was there before: what a crash has torn stays at its end. */
  async #openSegment(session: string): Promise<Open> {
    const numbers = (this.#kept.get(session) ?? []).map((kept) => kept.number)
    const number = Math.max(0, ...numbers) + 1
    const name = `${session}.${number}.rec`
    const segment = await Segment.create(join(this.#dir, name))
    await this.#files.syncNames()
    const openedMs = this.#now()
    const kept: Kept = { name, number, bytes: 0, writtenMs: openedMs }
    this.#add(session, kept)
    return { segment, kept, openedMs }
  }

  /** A disk that takes nothing is not littered with files. */
  #dropEmpty(session: string, { kept }: Open): void {
    if (kept.bytes > 0) return
    rmSync(join(this.#dir, kept.name), { force: true })
    const left = (this.#kept.get(session) ?? []).filter((one) => one !== kept)
    this.#kept.set(session, left)
  }

  async #places(session: string): Promise<Places> {
    const all: Places = new Map()
    for (const { name } of this.#kept.get(session) ?? []) {
      const some = await placesIn(join(this.#dir, name)).catch((cause: unknown) => {
        throw lost(session, 'cannot be read', cause)
      })
      for (const [digest, places] of some) addPlaces(all, digest, places)
    }
    return all
  }

  #take(session: string, kept: Kept, bytes: number): void {
    this.#checkRoom(session, bytes)
    kept.bytes += bytes // room that is taken stays so, whatever becomes of the write
    kept.writtenMs = this.#now()
    this.#totalBytes += bytes
  }

  #checkRoom(session: string, bytes: number): void {
    const { sessionBytes, totalBytes, minFreeBytes } = this.#limits
    const used = sumOf(this.#kept.get(session) ?? [])
    if (used + bytes > sessionBytes) throw unkept('the session has recorded too much')
    if (this.#totalBytes + bytes > totalBytes) throw unkept('all sessions have recorded too much')
    if (this.#freeBytes(bytes) < minFreeBytes) throw unkept('the disk is nearly full')
  }

  /** Less what has been taken since the disk was asked. */
  #freeBytes(wanted: number): number {
    const nowMs = this.#now()
    const { atMs, taken } = this.#free
    const isKnown = nowMs >= atMs && nowMs < atMs + FREE_KNOWN_MS
    if (!isKnown || taken + wanted > FREE_KNOWN_BYTES) {
      this.#free = { bytes: this.#askFreeBytes(), atMs: nowMs, taken: 0 }
    }
    this.#free.taken += wanted
    return this.#free.bytes - this.#free.taken
  }

  #askFreeBytes(): number {
    try {
      return this.#files.freeBytes()
    } catch (cause) {
      throw unkept('nobody knows how much room its disk has', cause)
    }
  }

  #add(session: string, kept: Kept): void {
    this.#kept.set(session, [...(this.#kept.get(session) ?? []), kept])
    this.#totalBytes += kept.bytes
  }
}

function sumOf(all: readonly Kept[]): number {
  return all.reduce((sum, { bytes }) => sum + bytes, 0)
}

function keyName(session: string): string {
  return `${session}.key`
}
