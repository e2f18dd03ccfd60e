import { UnusableInput } from '../audit/unusable.ts'
import { isObject, parseObject } from '../canonical.ts'
import { isFault, type LogSource, type Segment } from '../segment.ts'
import { type LogFollower, type SealedLeaves, verifyLogOf } from '../verify-log.ts'
import { type BundleHead, formatHead, formatPlace } from './bundle-text.ts'
import { HashLevels } from './hash-levels.ts'

export type BundleOptions = {
  /** of the log: what goes out of the house was verified before */
  vkey: string
  /** one session alone, with what its signatures chain to; the whole log when left out */
  session?: string | undefined
}

/**
 * The text of a bundle, piece by piece. Of a log that is being written to: up to some checkpoint.
 *
 * @throws UnusableInput for a session that is not in the log, or a log that is broken, with the
 *   place; what the source throws when it cannot be read
 */
export async function* writeBundle(
  source: LogSource,
  { vkey, session }: BundleOptions,
): AsyncGenerator<string> {
  const head: BundleHead = session === undefined ? { kind: 'log' } : { kind: 'session', session }
  const body = session === undefined ? wholeLog(source) : oneSession(source, { vkey, session })
  let count = 1
  yield `${formatHead(head)}\n`
  for await (const lines of body) {
    count += lines.length
    if (lines.length > 0) yield `${lines.join('\n')}\n`
  }
  yield `end ${count}\n`
}

async function* wholeLog(source: LogSource): AsyncGenerator<string[]> {
  for (const number of await source.list()) {
    const segment = await source.open(number)
    if (isFault(segment)) throw new UnusableInput(`segment ${number}: ${segment.reason}`)
    yield [`segment ${number}`]
    // before its first checkpoint a segment is as if it were not there
    if (segment.header !== null) yield* wholeLines(segment)
  }
}

/** A line that is torn was never acknowledged. */
async function* wholeLines(segment: Segment): AsyncGenerator<string[]> {
  for await (const lines of segment.lines()) {
    yield lines.flatMap(({ bytes, end }) => (end === 'newline' ? [bytes.toString('utf8')] : []))
  }
}

async function* oneSession(
  source: LogSource,
  { vkey, session }: { vkey: string; session: string },
): AsyncGenerator<string[]> {
  const collector = new SessionCollector(session)
  const log = await verifyLogOf(source, vkey, { follower: collector })
  if (log.kind === 'broken') {
    throw new UnusableInput(`the log is broken at index ${log.index}: ${log.reason}`)
  }
  if (!collector.hasSession || log.checkpoint === null) {
    throw new UnusableInput(`the log knows no session ${session}`)
  }
  yield [`checkpoint ${JSON.stringify(log.checkpoint)}`]
  for (const { index, text } of collector.wanted) {
    yield [formatPlace({ index, hashes: collector.levels.inclusion(index) }), text]
  }
}

/** Types of leaves that a session's signatures and claims may chain to. */
const IDENTITIES = ['identity.authority', 'identity.issued', 'identity.revoked']

/** Keeps the leaves of one session, and of the identities that are no session's. */
class SessionCollector implements LogFollower {
  readonly levels = new HashLevels()
  readonly wanted: { index: number; text: string }[] = []
  hasSession = false
  readonly #session: string

  constructor(session: string) {
    this.#session = session
  }

  onSealed({ index, leaves, bytes }: SealedLeaves): void {
    for (const [offset, { hash, type }] of leaves.entries()) {
      this.levels.append(hash)
      const line = bytes[offset]
      if (line !== undefined) this.#take({ index: index + offset, type, bytes: line })
    }
  }

  drain(): Promise<void> {
    return Promise.resolve()
  }

  #take({ index, type, bytes }: { index: number; type: string; bytes: Buffer }): void {
    const isIdentity = IDENTITIES.includes(type)
    if (!isIdentity && !bytes.includes(this.#session)) return
    const session = sessionOf(parseObject(bytes))
    if (session !== this.#session && !(isIdentity && session === undefined)) return
    this.hasSession ||= session === this.#session
    this.wanted.push({ index, text: bytes.toString('utf8') })
  }
}

/** That a leaf is of, or that an identity is of. */
function sessionOf(leaf: Record<string, unknown> | undefined): unknown {
  const of = leaf?.['of']
  return leaf?.['session'] ?? (isObject(of) ? of['session'] : undefined)
}
