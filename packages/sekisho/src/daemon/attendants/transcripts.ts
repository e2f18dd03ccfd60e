import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { SekishoError, toSekishoError } from '../../core/error.ts'
import { within } from '../../kernel/deadline.ts'
import { MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import { findTranscripts, readTranscript, type TranscriptFile } from '../transcript-files.ts'
import type { Attend, LiveSession } from './attendant.ts'
import { alarmUnreleased, type CollectedTranscript } from './unreleased-calls.ts'

/** Files of one session, the newest ones: a subagent has one of its own. */
const MAX_FILES = 64
/** Of all files of one session. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024
/** Of them, compared with what was released; the rest is counted. */
const MAX_COMPARED_BYTES = 32 * 1024 * 1024
const TIMEOUT_MS = 10_000

/**
 * When the session is over, its agents' own logs are kept: what agents claim, to be set beside what
 * was seen of them. Encrypted like all content, and named in the log as the claims that they are.
 */
export const collectTranscripts: Attend = (live) => {
  const sinceMs = Date.now()
  return { end: () => collectAndCompare(live, sinceMs) }
}

type Collected = {
  counters: { 'transcripts.kept': number; 'transcripts.lost': number }
  /** the newest */
  compared: CollectedTranscript[]
  /** kept, and more than is compared */
  rest: number
}

async function collectAndCompare(
  live: LiveSession,
  sinceMs: number,
): Promise<Record<string, number>> {
  const counters = { 'transcripts.kept': 0, 'transcripts.lost': 0 }
  const collected: Collected = { counters, compared: [], rest: 0 }
  try {
    await within(TIMEOUT_MS, 'collecting transcripts', collect(live, collected))
  } catch (error) {
    live.platform.warn(`${live.plan.session}: ${toSekishoError(error).message}`)
    counters['transcripts.lost'] += 1
  }
  return { ...counters, ...(await compare(live, collected, sinceMs)) }
}

/** What cannot be compared is counted: an agent may write what nobody can read in time. */
async function compare(
  live: LiveSession,
  { compared, rest }: Collected,
  sinceMs: number,
): Promise<Record<string, number>> {
  if (compared.length === 0) return {}
  try {
    const comparing = alarmUnreleased(live, compared, sinceMs)
    const sum = await within(TIMEOUT_MS, 'comparing transcripts', comparing)
    return {
      'transcripts.unreleased': sum.unreleased,
      'transcripts.changed': sum.changed,
      'transcripts.uncompared': sum.uncompared + rest,
      'transcripts.unread': sum.unread,
    }
  } catch (error) {
    live.platform.warn(`${live.plan.session}: ${toSekishoError(error).message}`)
    return { 'transcripts.uncompared': compared.length + rest }
  }
}

async function collect(live: LiveSession, collected: Collected): Promise<void> {
  const home = join(live.places.scratch, 'home')
  const files = await findTranscripts(home)
  const { counters } = collected
  let kept = 0
  let compared = 0
  for (const [index, file] of files.entries()) {
    const isKept = index < MAX_FILES && kept < MAX_KEPT_BYTES
    const one = isKept ? await keepOne(live, home, file) : null
    counters[one === null ? 'transcripts.lost' : 'transcripts.kept'] += 1
    if (one === null) continue
    kept += one.content.length
    compared += one.content.length
    if (compared <= MAX_COMPARED_BYTES) collected.compared.push(one)
    else collected.rest += 1
  }
}

/** @returns what was kept; null where it could not be */
async function keepOne(
  live: LiveSession,
  home: string,
  file: TranscriptFile,
): Promise<CollectedTranscript | null> {
  const { client } = file
  const path = join('~', file.path).slice(0, 4096)
  const { session } = live.plan
  const leaf = { type: 'transcript.collected' as const, session, client, path }
  try {
    const { content, bytes } = await readTranscript(home, file)
    const digest = await keep(live, content)
    const truncated = bytes > content.length
    await live.record({ ...leaf, digest, bytes, truncated, reason: null })
    return { client, path, content, truncated }
  } catch (thrown) {
    const reason = toSekishoError(thrown).message.slice(0, 4096)
    await live.record({ ...leaf, digest: null, bytes: 0, truncated: false, reason })
    return null
  }
}

/** @returns the digest that it is kept under */
async function keep(live: LiveSession, content: Buffer): Promise<string> {
  const upload = randomUUID()
  const { session } = live.plan
  for (let offset = 0; ; offset += MAX_BLOB_PIECE_BYTES) {
    const piece = content.subarray(offset, offset + MAX_BLOB_PIECE_BYTES).toString('base64')
    const { digest } = await live.platform
      .keyholder()
      .call('content.put', { session, upload, totalBytes: content.length, offset, piece })
    if (digest !== null) return digest
    if (offset >= content.length) throw new SekishoError('CONTENT_UNKEPT', 'it is not all there')
  }
}
