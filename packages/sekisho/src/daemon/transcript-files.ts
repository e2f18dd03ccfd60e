import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TRANSCRIPT_CLIENTS } from '../transcripts/clients/all.ts'

/** One file of an agent's own log. */
export type TranscriptFile = {
  client: string
  /** below the home */
  path: string
  /** newest first: Unix ms */
  modifiedMs: number
}

/** Entries looked at in all; an agent can make more than anybody wants to list. */
const MAX_ENTRIES = 5_000
/** What is kept of one file: its beginning. As long as the keyholder's longest content. */
export const MAX_TRANSCRIPT_BYTES = 8 * 1024 * 1024

type Walk = { entries: number; found: TranscriptFile[] }

/**
 * The agents' own logs below a home, newest first. Nothing of the session may run any more: paths
 * are followed by name. A link is passed over, wherever it leads: this is read as root, and an
 * agent that made `~/.claude` a link to `/etc` would have it collected.
 */
export async function findTranscripts(home: string): Promise<TranscriptFile[]> {
  const walk: Walk = { entries: 0, found: [] }
  for (const { name, places } of TRANSCRIPT_CLIENTS) {
    for (const { directories, suffix } of places) {
      await findBelow(walk, { home, at: '', directories, client: name, suffix })
    }
  }
  return walk.found.toSorted((a, b) => b.modifiedMs - a.modifiedMs)
}

type Looking = {
  home: string
  at: string
  directories: readonly string[]
  client: string
  suffix: string
}

async function findBelow(walk: Walk, looking: Looking): Promise<void> {
  const { home, at, directories, suffix, client } = looking
  const [next, ...rest] = directories
  for (const name of await namesIn(walk, join(home, at), next)) {
    const path = join(at, name)
    const stats = await statsOf(join(home, path))
    if (stats === null) continue
    if (next !== undefined && stats.isDirectory()) {
      await findBelow(walk, { ...looking, at: path, directories: rest })
    } else if (next === undefined && stats.isFile() && name.endsWith(suffix)) {
      walk.found.push({ client, path, modifiedMs: stats.mtimeMs })
    }
  }
}

/** A name that is not UTF-8 cannot be asked for as it was read: no client writes one, an agent can. */
async function statsOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return null
    throw error
  })
}

/** Of one name that is known, that; else all of them while there is room. */
async function namesIn(walk: Walk, directory: string, wanted = '*'): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw error
  })
  if (wanted !== '*') return names.filter((name) => name === wanted)
  const some = names.slice(0, Math.max(0, MAX_ENTRIES - walk.entries))
  walk.entries += some.length
  return some
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Its beginning, and how long all of it is. @throws what the file system does, of no plain file too */
export async function readTranscript(
  home: string,
  { path }: TranscriptFile,
): Promise<{ content: Buffer; bytes: number }> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(join(home, path), flags)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new TypeError('no plain file')
    const length = Math.min(stats.size, MAX_TRANSCRIPT_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
    return { content: buffer.subarray(0, bytesRead), bytes: stats.size }
  } finally {
    await file.close()
  }
}
