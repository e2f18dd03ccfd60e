import { OneAtATime } from '../../core/one-at-a-time.ts'
import { withJournals } from '../../transcripts/clients/all.ts'
import { makeTranscriptReader } from '../child-kinds.ts'
import type { LiveSession } from './attendant.ts'
import { type Found, TranscriptReaders } from './transcript-readers.ts'

/** A transcript that takes longer to read was made to. */
const COMPARE_TIMEOUT_MS = 5_000
/** For all of one session, with the wait for those of others. */
const COMPARE_ALL_TIMEOUT_MS = 9_000
/** Of an alert's subject. */
const MAX_SUBJECT = 4096
/** Of a path in it. */
const MAX_PATH = 512

const UNRELEASED_RULE = 'transcript.unreleased-tool-call'
const CHANGED_RULE = 'transcript.changed-tool-call'

export type CollectedTranscript = {
  client: string
  path: string
  content: Buffer
  /** the beginning of a longer file */
  truncated: boolean
}

export type Comparison = {
  unreleased: number
  changed: number
  /** transcripts that could not be compared */
  uncompared: number
  /** pieces of the others that could not be read: lines, rows, pages, ends of files */
  unread: number
}

/** Sessions that end together do not each have a process at once. */
const turns = new OneAtATime()

/**
 * Holds what clients say of themselves against the calls of tools that the gate has handed to them: a
 * call that nobody released came from a model that the checkpoint has not seen. One alarm of a kind for
 * a transcript.
 *
 * @param sinceMs when the session began, Unix ms: what is older is another session's
 */
export function alarmUnreleased(
  live: LiveSession,
  transcripts: readonly CollectedTranscript[],
  sinceMs: number,
): Promise<Comparison> {
  const untilMs = performance.now() + COMPARE_ALL_TIMEOUT_MS
  return turns.run(() => compareAll(live, transcripts, { sinceMs, untilMs }))
}

type Times = { sinceMs: number; untilMs: number }
type Pair = { log: CollectedTranscript; journal: CollectedTranscript | null }

async function compareAll(
  live: LiveSession,
  transcripts: readonly CollectedTranscript[],
  { sinceMs, untilMs }: Times,
): Promise<Comparison> {
  const { platform, plan } = live
  const { isWhole, releases } = await platform
    .keyholder()
    .call('session.releases', { session: plan.session })
  const sum = { unreleased: 0, changed: 0, uncompared: 0, unread: 0 }
  if (!isWhole) return { ...sum, uncompared: transcripts.length }
  const report = (line: string): void => platform.warn(`${plan.session}: ${line}`)
  const readers = new TranscriptReaders(() => makeTranscriptReader(report), report)
  try {
    for (const pair of withJournals(transcripts)) {
      const leftMs = Math.min(COMPARE_TIMEOUT_MS, untilMs - performance.now())
      const asked = { ...contentOf(pair), releases, sinceMs }
      const found = leftMs <= 0 ? null : await readers.compare(asked, leftMs)
      if (found === null || found.compared === null) {
        sum.uncompared += 1
        continue
      }
      sum.unreleased += found.unreleased
      sum.changed += found.changed
      sum.unread += found.unread + [pair.log, pair.journal].filter((one) => one?.truncated).length
      await alarm(live, pair.log, { ...found, compared: found.compared })
    }
  } finally {
    await readers.stop()
  }
  return sum
}

function contentOf({ log, journal }: Pair): {
  client: string
  content: string
  journal: string | null
} {
  const { client, content } = log
  return {
    client,
    content: content.toString('base64'),
    journal: journal?.content.toString('base64') ?? null,
  }
}

async function alarm(
  live: LiveSession,
  { client, path }: CollectedTranscript,
  { compared, unreleased, changed, tools }: Found & { compared: number },
): Promise<void> {
  const where = `of ${compared} calls of tools in ${path.slice(0, MAX_PATH)} of ${client}`
  const which = tools.join(', ')
  const alerts = [
    { rule: UNRELEASED_RULE, count: unreleased, what: 'were released by nobody' },
    { rule: CHANGED_RULE, count: changed, what: 'have other arguments than were released' },
  ]
  for (const { rule, count, what } of alerts.filter(({ count: some }) => some > 0)) {
    await live.record({
      type: 'alert',
      session: live.plan.session,
      rule,
      severity: 'high',
      subject: `${count} ${where} ${what}: ${which}`.slice(0, MAX_SUBJECT).toWellFormed(),
      about: null,
    })
  }
}
