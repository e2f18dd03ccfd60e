import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { posix } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import { Digest } from '../wire/sandbox.ts'
import { SessionId } from '../wire/schemas.ts'

/** What a snapshot is made of: its name is over this, and this is over every byte. */

export const MAX_ENTRIES = 200_000
const MAX_BYTES = 256 * 1024 * 1024
const CHUNK_BYTES = 64 * 1024
/** a head with a thousand names of 4 KiB, escaped, and as many reasons */
const MAX_LINE_BYTES = 32 * 1024 * 1024
/** entries at a time */
const STRETCH = 256
const NOT_THE_SAME = 'its index is not what it was'
export const INDEX_FILE = 'index.jsonl'
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

const Head = z.strictObject({
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
  /** configuration areas that the session had changed; never carried over */
  leftOut: z.array(z.string()),
  /** what else is not carried over as it was, with why */
  dropped: z.array(Dropped),
})

/** In a file: the head, then an entry a line, each of them RFC 8785 JSON. */
export type SnapshotIndex = z.infer<typeof Head> & {
  /** a directory before what is in it */
  entries: readonly Entry[]
}

export const SNAPSHOT_ID = /^w-[0-9a-f]{40}$/

/**
 * Writes an index, a stretch at a time: whoever does it answers for every session meanwhile.
 *
 * @param path must not exist
 * @returns the digest of all of it, `sha256:…`
 */
export async function writeIndex(path: string, index: SnapshotIndex): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx', 0o600)
  try {
    for (const text of stretchesOf(index)) {
      hash.update(text)
      await file.writeFile(text)
    }
    await file.datasync()
  } finally {
    await file.close()
  }
  return `sha256:${hash.digest('hex')}`
}

function* stretchesOf({ entries, ...head }: SnapshotIndex): Generator<string> {
  yield `${canonicalJson(head)}\n`
  for (let at = 0; at < entries.length; at += STRETCH) {
    const some = entries.slice(at, at + STRETCH)
    yield some.map((entry) => `${canonicalJson(entry)}\n`).join('')
  }
}

/** A snapshot is called by its content. @param digest `sha256:…` of its index */
export function snapshotIdOf(digest: string): string {
  return `w-${digest.slice('sha256:'.length, 'sha256:'.length + 40)}`
}

/** @throws SekishoError SNAPSHOT_INVALID unless its bytes are those that the id is called by; ENOENT */
export async function readIndex(path: string, id: string): Promise<SnapshotIndex> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    if ((await file.stat()).size > MAX_BYTES) throw damaged(id, 'its index is too long')
    const hash = createHash('sha256')
    const entries: Entry[] = []
    let head: z.infer<typeof Head> | undefined
    for await (const line of linesOf(file, hash, id)) {
      if (head === undefined) head = parse(Head, line, id)
      else entries.push(parse(Entry, line, id))
      if (entries.length > MAX_ENTRIES) throw damaged(id, 'its index is too long')
    }
    const isWhole = snapshotIdOf(`sha256:${hash.digest('hex')}`) === id
    if (head === undefined || !isWhole) throw damaged(id, NOT_THE_SAME)
    return { ...head, entries }
  } finally {
    await file.close()
  }
}

/** Split at newlines alone: other separators of lines may stand in a name. */
async function* linesOf(file: FileHandle, hash: Hash, id: string): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let offset = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, offset)
    if (bytesRead === 0) break
    offset += bytesRead
    hash.update(chunk.subarray(0, bytesRead))
    rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    let from = 0
    for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10, from)) {
      yield rest.toString('utf8', from, at)
      from = at + 1
    }
    rest = rest.subarray(from)
    if (rest.length > MAX_LINE_BYTES) throw damaged(id, 'its index has a line without an end')
  }
  if (rest.length > 0) yield rest.toString('utf8')
}

function parse<T>(schema: z.ZodType<T>, line: string, id: string): T {
  const parsed = schema.safeParse(jsonIn(line))
  if (parsed.success) return parsed.data
  throw damaged(id, NOT_THE_SAME, parsed.error)
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

/** undefined fits no line of an index */
function jsonIn(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
