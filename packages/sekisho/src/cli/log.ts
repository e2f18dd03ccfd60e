import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type IndexedLeaf,
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
  readLeaves,
  type SoundLog,
  verifyLog,
} from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { describeLeaf } from './leaf-text.ts'
import { printable } from './terminal.ts'

export const log: Command = {
  name: 'log',
  summary: 'Show or verify the log; works on the files, with or without a running daemon',
  usage:
    'sekisho log show [--session ID] [--denied] [--json] | log verify [--key VKEY] [--checkpoint FILE] [--json]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    if (action === 'show') return show(rest, terminal)
    if (action === 'verify') return verify(rest, terminal)
    throw new SekishoError('USAGE', `log ${action ?? ''}: show or verify`, {
      hint: `usage: ${log.usage}`,
    })
  },
}

async function show(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = jsonFlag(log.usage, argv, {
    session: { type: 'string' },
    denied: { type: 'boolean', default: false },
  })
  refuseArguments(positionals)
  const session = typeof values['session'] === 'string' ? values['session'] : undefined
  const isJson = values['json'] === true
  await showLeaves({ session, isDeniedOnly: values['denied'] === true, isJson }, terminal)
  return 0
}

/** @returns how many were shown. @throws SekishoError when the log cannot be read */
export async function showLeaves(
  wanted: { session: string | undefined; isDeniedOnly: boolean; isJson: boolean },
  terminal: Terminal,
): Promise<number> {
  const directory = logDirectory()
  let shown = 0
  try {
    for await (const entry of readLeaves(directory, { session: wanted.session })) {
      if (wanted.isDeniedOnly && !isDenied(entry)) continue
      terminal.out(wanted.isJson ? JSON.stringify(entry) : describeLeaf(entry))
      shown += 1
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  return shown
}

/** 0 sound, 1 broken with the first bad index, 2 nothing that can be checked. */
async function verify(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = jsonFlag(log.usage, argv, {
    key: { type: 'string' },
    checkpoint: { type: 'string' },
  })
  refuseArguments(positionals)
  const { key: given, checkpoint: file } = values
  const key = (typeof given === 'string' ? given : read(keyPath(), KEY_HINT)).trim()
  const verifier = parseKey(key, typeof given === 'string' ? '--key' : keyPath())
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

function refuseArguments([first]: readonly string[]): void {
  if (first === undefined) return
  throw new SekishoError('USAGE', `log takes no argument ${first}`, { hint: `usage: ${log.usage}` })
}

function isDenied({ leaf }: IndexedLeaf): boolean {
  const verdict = leaf['verdict']
  return typeof verdict === 'object' && verdict !== null && Reflect.get(verdict, 'kind') === 'deny'
}

export function logDirectory(): string {
  return join(pathsFrom(process.env).keyholderState, 'log')
}

function keyPath(): string {
  return pathsFrom(process.env).logKey
}

const KEY_HINT = 'start the platform once, or name the key with --key'

function read(path: string, hint: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { hint, cause })
  }
}

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
  const note = `${read(path, hint).trimEnd()}\n`
  const opened = openCheckpoint(note, verifier)
  if (opened.kind === 'opened') return note
  throw new SekishoError(
    'CONFIG_INVALID',
    `${path} is no checkpoint of this log: ${opened.reason}`,
    {
      hint,
    },
  )
}

export function unreadable(directory: string, cause: unknown): SekishoError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'EACCES' || code === 'EPERM') {
    return new SekishoError('PERMISSION_REQUIRED', `${directory} is not open to this user`, {
      hint: 'run this command as root',
      cause,
    })
  }
  if (code === undefined) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new SekishoError('LOG_BROKEN', reason, { hint: 'run `sekisho log verify`', cause })
  }
  return new SekishoError('CONFIG_INVALID', `the log in ${directory} cannot be read`, {
    hint: 'start the platform once, or set SEKISHO_HOME to the instance that you mean',
    cause,
  })
}
