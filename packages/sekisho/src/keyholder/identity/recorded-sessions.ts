import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { listSegments, parseHeader, segmentName } from '@sekisho/verify'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import { eventOf, type StateLeaf } from '../../lifecycle/leaf-event.ts'
import { hashOfState, nextState, type SessionState } from '../../lifecycle/session-state.ts'

const Text = z.string()
const Stamp = z.object({ seq: z.int(), to: Text })

/** What of stored leaves changes a session's state; what else they have is not looked at. */
const Stored = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('session.start'),
    session: Text,
    agent: Text,
    configuration: Text,
    identity: z.object({ key: Text }),
    state: Stamp,
  }),
  z.object({
    type: z.literal('session.state'),
    session: Text,
    trigger: z.enum([
      'freeze',
      'thaw',
      'contain',
      'revoke',
      'gate-restart',
      'keyholder-restart',
      'policy',
      'stop',
    ]),
    state: Stamp,
  }),
  z.object({ type: z.literal('session.contained'), session: Text, state: Stamp }),
  z.object({
    type: z.literal('identity.issued'),
    of: z.object({ session: Text }),
    key: Text,
    reason: Text,
    state: Stamp,
  }),
  z.object({
    type: z.literal('session.end'),
    session: Text,
    reason: Text,
    exitCode: z.int().nullable(),
    state: Stamp,
  }),
])
type Stored = z.infer<typeof Stored>

const Started = z.object({ type: z.literal('session.start'), session: Text })

const NEWLINE = 0x0a
const LEAF = 0x7b
const HAS_STATE = Buffer.from('"state":{')
const IS_START = Buffer.from('"type":"session.start"')

/** States that sessions were in when a segment began, or later; those of sessions that were open. */
export type KnownStates = { from: number; states: ReadonlyMap<string, SessionState> }

const NOTHING_KNOWN: KnownStates = { from: 0, states: new Map() }

/**
 * The states of sessions as the log's leaves tell them: a keyholder that was restarted goes on from
 * there. Reads segments from the newest back, until it has each session's start, or what is known of
 * it. A session whose start is not in the log is left out.
 *
 * @throws SekishoError LOG_BROKEN when leaves do not lead to the states that they say
 */
export async function readStates(
  dir: string,
  wanted: readonly string[],
  { from, states }: KnownStates = NOTHING_KNOWN,
): Promise<Map<string, SessionState>> {
  const changes = new Map<string, Stored[]>(wanted.map((session) => [session, []]))
  const missing = new Set(wanted)
  let end = Infinity // leaves from here on are in a later segment
  for (const number of (await listSegments(dir)).toReversed()) {
    if ([...missing].every((session) => number < from && states.has(session))) break
    const segment = await readSealed(dir, number, { end, mark: HAS_STATE })
    if (segment === undefined) continue
    for (const line of segment.lines) {
      const { data: leaf } = Stored.safeParse(parseJson(line))
      if (leaf === undefined) continue
      changes.get(sessionOf(leaf))?.push(leaf)
      if (leaf.type === 'session.start') missing.delete(leaf.session)
    }
    end = segment.first
  }
  const begun = [...changes].filter(([session]) => !missing.has(session) || states.has(session))
  return new Map(begun.map(([session, leaves]) => [session, replay(leaves, states.get(session))]))
}

/** Sessions that began in the log's segments from one on. */
export async function readStarted(
  dir: string,
  from: number,
): Promise<{ sessions: string[]; newest: number }> {
  const numbers = (await listSegments(dir)).filter((number) => number >= from)
  const sessions: string[] = []
  for (const number of numbers) {
    const segment = await readSealed(dir, number, { end: Infinity, mark: IS_START })
    for (const line of segment?.lines ?? []) {
      const { data } = Started.safeParse(parseJson(line))
      if (data !== undefined) sessions.push(data.session)
    }
  }
  return { sessions, newest: numbers.at(-1) ?? from }
}

/**
 * Leaves of a segment that have a text in them, that a checkpoint seals and that stand below `end`.
 *
 * @returns undefined for a segment that seals nothing: it does not count
 */
async function readSealed(
  dir: string,
  number: number,
  { end, mark }: { end: number; mark: Buffer },
): Promise<{ first: number; lines: string[] } | undefined> {
  const bytes = await readFile(join(dir, segmentName(number)))
  const [head, ...rest] = linesOf(bytes)
  const first = parseHeader(head?.toString('utf8') ?? '')?.size
  if (first === undefined) return undefined
  const lines: string[] = []
  let staged: string[] = []
  let index = first
  let seals = false
  for (const line of rest) {
    if (line[0] === LEAF) {
      if (index < end && line.includes(mark)) staged.push(line.toString('utf8'))
      index += 1
    } else {
      seals = true
      lines.push(...staged)
      staged = []
    }
  }
  return seals ? { first, lines } : undefined
}

/** Whole lines; a torn one at the end is none. */
function* linesOf(bytes: Buffer): Generator<Buffer> {
  let at = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
    yield bytes.subarray(at, end)
    at = end + 1
  }
}

function sessionOf(leaf: Stored): string {
  return leaf.type === 'identity.issued' ? leaf.of.session : leaf.session
}

/** @param leaves of one session, in any order; one that stands twice counts once */
function replay(leaves: readonly Stored[], known: SessionState | undefined): SessionState {
  const inOrder = leaves
    .filter((leaf) => leaf.state.seq >= (known?.seq ?? 0))
    .toSorted((a, b) => a.state.seq - b.state.seq)
  let state = known
  for (const leaf of inOrder) {
    if (leaf.state.seq === state?.seq && leaf.state.to === hashOfState(state)) continue
    const event = eventOf(leaf satisfies StateLeaf)
    const next = event === undefined ? undefined : nextState(state, event)
    if (next?.kind !== 'next') throw broken(`${sessionOf(leaf)} cannot ${leaf.type} there`)
    state = next.state
    if (hashOfState(state) !== leaf.state.to) {
      throw broken(`${sessionOf(leaf)} is in another state than change ${leaf.state.seq} says`)
    }
  }
  if (state === undefined) throw broken('a session without a start')
  return state
}

function broken(reason: string): SekishoError {
  return new SekishoError('LOG_BROKEN', `the states of sessions in the log: ${reason}`, {
    hint: 'keep the files and run `sekisho log verify`',
  })
}
