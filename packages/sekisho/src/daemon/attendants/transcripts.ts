import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { SekishoError, toSekishoError } from '../../core/error.ts'
import { within } from '../../kernel/deadline.ts'
import { MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import { findTranscripts, readTranscript, type TranscriptFile } from '../transcript-files.ts'
import type { Attend, LiveSession } from './attendant.ts'

/** Files of one session; the newest ones. */
const MAX_FILES = 16
const TIMEOUT_MS = 10_000

/**
 * When the session is over, its agents' own logs are kept: what agents claim, to be set beside what
 * was seen of them. Encrypted like all content, and named in the log as the claims that they are.
 */
export const collectTranscripts: Attend = (live) => ({
  end: async () => {
    const counters = { 'transcripts.kept': 0, 'transcripts.lost': 0 }
    try {
      await within(TIMEOUT_MS, 'collecting transcripts', collect(live, counters))
    } catch (error) {
      live.platform.warn(`${live.plan.session}: ${toSekishoError(error).message}`)
      counters['transcripts.lost'] += 1
    }
    return counters
  },
})

async function collect(
  live: LiveSession,
  counters: { 'transcripts.kept': number; 'transcripts.lost': number },
): Promise<void> {
  const home = join(live.places.scratch, 'home')
  const files = await findTranscripts(home)
  counters['transcripts.lost'] += Math.max(0, files.length - MAX_FILES)
  for (const file of files.slice(0, MAX_FILES)) {
    const isKept = await keepOne(live, home, file)
    counters[isKept ? 'transcripts.kept' : 'transcripts.lost'] += 1
  }
}

async function keepOne(live: LiveSession, home: string, file: TranscriptFile): Promise<boolean> {
  const leaf = {
    type: 'transcript.collected' as const,
    session: live.plan.session,
    client: file.client,
    path: join('~', file.path).slice(0, 4096),
  }
  try {
    const { content, bytes } = await readTranscript(home, file)
    const digest = await keep(live, content)
    const truncated = bytes > content.length
    await live.record({ ...leaf, digest, bytes, truncated, reason: null })
    return true
  } catch (thrown) {
    const reason = toSekishoError(thrown).message.slice(0, 4096)
    await live.record({ ...leaf, digest: null, bytes: 0, truncated: false, reason })
    return false
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
