import {
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
  type SoundLog,
  verifyLog,
} from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { logDirectory, logKeyPath, readText, unreadable } from './log-place.ts'
import { printable } from './terminal.ts'

/** 0 sound, 1 broken with the first bad index, 2 nothing that can be checked. */
export async function verify(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    key: { type: 'string' },
    checkpoint: { type: 'string' },
  })
  noPositional(usage, positionals)
  const { key: given, checkpoint: file } = values
  const key = (typeof given === 'string' ? given : readText(logKeyPath(), KEY_HINT)).trim()
  const verifier = parseKey(key, typeof given === 'string' ? '--key' : logKeyPath())
  const previousCheckpoint = typeof file === 'string' ? readCheckpoint(file, verifier) : undefined
  const directory = logDirectory()
  const result = await verifyLog(directory, key, { previousCheckpoint }).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  if (values['json'] === true) terminal.out(JSON.stringify(result))
  else if (result.kind === 'sound') terminal.out(describeSound(result))
  else {
    const { index, reason, segment, line } = result
    terminal.err(printable(`broken at index ${index}: ${reason} (${segment}:${line})`))
  }
  return result.kind === 'sound' ? 0 : 1
}

function describeSound(sound: SoundLog): string {
  const { size, checkpoints, root, gaps, open, openSessions } = sound
  return `sound: ${size} leaves, ${checkpoints} checkpoints, root ${root}, ${gaps} gaps, ${open.length} actions and ${openSessions.length} sessions open`
}

const KEY_HINT = 'start the platform once, or name the key with --key'

function parseKey(key: string, source: string): NoteVerifier {
  try {
    return parseVkey(key)
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${source} is no verification key`, {
      hint: 'give the line of log.vkey, in quotes: sekisho/log/…+…+…',
      cause,
    })
  }
}

/** However an editor or a shell has ended its last line. */
function readCheckpoint(path: string, verifier: NoteVerifier): string {
  const hint = 'give a checkpoint of this log as `sekisho log verify --json` prints it'
  const note = `${readText(path, hint).trimEnd()}\n`
  const opened = openCheckpoint(note, verifier)
  if (opened.kind === 'opened') return note
  throw new SekishoError(
    'CONFIG_INVALID',
    `${path} is no checkpoint of this log: ${opened.reason}`,
    { hint },
  )
}
