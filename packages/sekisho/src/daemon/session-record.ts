import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { SessionId } from '../wire/schemas.ts'

/** What is kept of a session on disk beside its changes, for `ps --all`, `diff` and `apply`. */
const SessionRecord = z.strictObject({
  version: z.literal(1),
  session: SessionId,
  agent: z.string(),
  argv: z.array(z.string()),
  /** the user's directory under the session's changes; null for a scratch workspace */
  workspace: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  exitCode: z.int().nullable(),
  /** what the user changed at or after it is a conflict; without it, since the session's start */
  changesSince: z.string().optional(),
  /** the snapshot that it began with */
  from: z.string().optional(),
  /** paths that were to be read-only inside, whether or not they were there */
  readOnly: z.array(z.string()).optional(),
})
export type SessionRecord = z.infer<typeof SessionRecord>

const FILE = 'session.json'
/** what a detached session wrote, both streams */
export const OUTPUT_FILE = 'output'

export function writeSessionRecord(sessions: string, record: SessionRecord): void {
  const directory = join(sessions, record.session)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, FILE)
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

/** @throws SekishoError SESSION_UNKNOWN */
export function readSessionRecord(sessions: string, session: string): SessionRecord {
  const id = SessionId.safeParse(session)
  if (!id.success) throw unknown(session)
  const text = readText(join(sessions, id.data, FILE))
  if (text === undefined) throw unknown(session)
  const parsed = SessionRecord.safeParse(jsonIn(text))
  if (parsed.success) return parsed.data
  throw new SekishoError('INTERNAL', `the record of ${session} is damaged`, { cause: parsed.error })
}

/** Oldest first. */
export function readSessionRecords(sessions: string): SessionRecord[] {
  return list(sessions)
    .filter((name) => readText(join(sessions, name, FILE)) !== undefined)
    .map((name) => readSessionRecord(sessions, name))
    .toSorted((a, b) => a.startedAt.localeCompare(b.startedAt))
}

/** Where the session's changes are: the overlay's upper directory, or the scratch workspace. */
export function changesOf(sessions: string, session: string): string {
  return join(sessions, session, 'upper')
}

/** Of a session over a clone of the user's repository: the clone as it was at the start. */
export function cloneOf(sessions: string, session: string): string | undefined {
  const clone = join(sessions, session, 'clone')
  return existsSync(clone) ? clone : undefined
}

function unknown(session: string): SekishoError {
  return new SekishoError('SESSION_UNKNOWN', `no session ${session} has left changes here`, {
    hint: 'run `sekisho ps --all`',
  })
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** undefined fits no record */
function jsonIn(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
