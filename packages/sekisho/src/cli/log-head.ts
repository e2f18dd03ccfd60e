import { existsSync } from 'node:fs'
import {
  type Checkpoint,
  type LogProofs,
  newestCheckpoint,
  openCheckpoint,
  openTiles,
  parseVkey,
} from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { logDirectory, logKeyPath, readText, unreadable } from './log-place.ts'
import { enterOwnNamespace } from './own-namespace.ts'

/** A log as its newest checkpoint says it is, by the log's own key. */
export type LogHead = {
  directory: string
  /** signed note */
  note: string
  checkpoint: Checkpoint
  proofs: LogProofs
}

/**
 * @param log a log's directory, and `key` its verification key; the instance's own when undefined
 * @throws SekishoError CONFIG_INVALID for a log or a key that cannot be read; LOG_BROKEN for a
 * checkpoint that is not the key's
 */
export async function openHead({ log, key }: { log?: unknown; key?: unknown }): Promise<LogHead> {
  if (typeof log !== 'string') enterOwnNamespace(process.env) // the log is not the ordinary user's
  const directory = typeof log === 'string' ? log : logDirectory()
  const note = await newestCheckpoint(directory).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  if (note === null) throw unreadable(directory, new Error('the log has no leaf yet'))
  const opened = openCheckpoint(note, verifierOf(key))
  if (opened.kind === 'opened') {
    const { checkpoint } = opened
    return { directory, note, checkpoint, proofs: openTiles(directory, checkpoint) }
  }
  throw new SekishoError('LOG_BROKEN', `the newest checkpoint is refused: ${opened.reason}`, {
    hint: 'run `sekisho log verify`',
  })
}

function verifierOf(key: unknown): ReturnType<typeof parseVkey> {
  const hint = 'start the platform once, or name the key with --key'
  const isFile = typeof key !== 'string' || existsSync(key)
  const path = typeof key === 'string' ? key : logKeyPath()
  const text = isFile ? readText(path, hint) : path
  try {
    return parseVkey(text.trim())
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${path} is no verification key`, { hint, cause })
  }
}
