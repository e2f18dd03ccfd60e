import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import * as z from 'zod'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import { Digest } from '../wire/sandbox.ts'
import { SessionId } from '../wire/schemas.ts'

/** What a snapshot is made of: its name is over this, and this is over every byte. */

export const MAX_ENTRIES = 200_000
export const INDEX_FILE = 'index.json'
export const BLOBS = 'blobs'

const Path = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => isPlain(path), 'want a relative path without . and ..')

/** Permission bits alone: setuid, setgid and sticky are not carried over. */
const Mode = z.int().min(0).max(0o777)
/** Unix ns in decimal digits: more than a number of JSON holds, and build tools compare all of it */
const Time = z.string().regex(/^-?\d{1,19}$/)

const Entry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('file'),
    path: Path,
    mode: Mode,
    modifiedAt: Time,
    bytes: z.int().min(0),
    digest: Digest,
  }),
  z.strictObject({
    type: z.literal('directory'),
    path: Path,
    mode: Mode,
    modifiedAt: Time,
    /** hides the directory below it wholly */
    opaque: z.boolean(),
  }),
  z.strictObject({ type: z.literal('symlink'), path: Path, target: z.string().min(1).max(4095) }),
  /** a deletion */
  z.strictObject({ type: z.literal('whiteout'), path: Path }),
])
export type Entry = z.infer<typeof Entry>

const Dropped = z.strictObject({ path: z.string(), reason: z.string() })

export const SnapshotIndex = z.strictObject({
  version: z.literal(1),
  session: SessionId,
  agent: z.string(),
  /** the user's directory below the changes; null where there is none */
  workspace: z.string().startsWith('/').nullable(),
  /** of a cloned workspace, the state of the clone below the changes; null over a directory */
  base: Digest.nullable(),
  /** RFC 3339: what the user changed at or after it is a conflict */
  changesSince: z.string(),
  takenAt: z.string(),
  /** a directory before what is in it */
  entries: z.array(Entry).max(MAX_ENTRIES),
  /** configuration areas that the session had changed; never carried over */
  leftOut: z.array(z.string()),
  /** what else is not carried over as it was, with why */
  dropped: z.array(Dropped),
})
export type SnapshotIndex = z.infer<typeof SnapshotIndex>

export const SNAPSHOT_ID = /^w-[0-9a-f]{40}$/

/** Over the canonical index (RFC 8785), which names every file by its own digest. */
export function digestOf(index: SnapshotIndex): string {
  return `sha256:${createHash('sha256').update(canonicalJson(index)).digest('hex')}`
}

/** A snapshot is called by its content. @param digest `sha256:…` of its index */
export function snapshotIdOf(digest: string): string {
  return `w-${digest.slice('sha256:'.length, 'sha256:'.length + 40)}`
}

/** @throws SekishoError SNAPSHOT_INVALID unless the text is the index that the id is called by */
export function parseIndex(id: string, text: string): SnapshotIndex {
  const parsed = SnapshotIndex.safeParse(parseJson(text))
  if (parsed.success && snapshotIdOf(digestOf(parsed.data)) === id) return parsed.data
  throw damaged(id, 'its index is not what it was', parsed.error)
}

export function damaged(id: string, why: string, cause?: unknown): SekishoError {
  return new SekishoError('SNAPSHOT_INVALID', `snapshot ${id} is damaged: ${why}`, {
    hint: 'take another; nothing of it was used',
    cause,
  })
}

function isPlain(path: string): boolean {
  return (
    !posix.isAbsolute(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
    !path.includes('\0')
  )
}

/** undefined fits no index */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
