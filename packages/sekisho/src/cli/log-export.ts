import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { logIn, UnusableInput, writeBundle } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { logKeyPath, readText, unreadable } from './log-place.ts'
import { placeOf } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { printable } from './terminal.ts'

/** The log, or one session of it with its proofs, as one file that an auditor can verify. */
export async function exportLog(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    out: { type: 'string' },
    session: { type: 'string' },
    log: { type: 'string' },
    key: { type: 'string' },
  })
  noPositional(usage, positionals)
  const { out, session, key } = values
  const file = fileOf(out, usage)
  const place = placeOf(values)
  const vkey = typeof key === 'string' ? key : readText(logKeyPath(), 'name the key with --key')
  await recordReading({ what: 'export', query: argv, log: values['log'] }, terminal)
  const options = { vkey: vkey.trim(), ...(typeof session === 'string' ? { session } : {}) }
  const bytes = await write(file, writeBundle(logIn(place.dir), options)).catch(
    (error: unknown) => {
      throw isSessionUnknown(error, session) ?? unreadable(place.dir, error)
    },
  )
  if (values['json'] === true) terminal.out(JSON.stringify({ file, bytes }))
  else
    terminal.out(printable(`${file}: ${bytes} bytes; check it with \`sekisho log verify ${file}\``))
  return 0
}

/** @throws SekishoError USAGE without one, CONFIG_INVALID for one that is there */
function fileOf(out: unknown, usage: string): string {
  if (typeof out !== 'string' || out === '') {
    throw new SekishoError('USAGE', '--out is missing', { hint: `usage: ${usage}` })
  }
  if (!existsSync(out)) return resolve(out)
  throw new SekishoError('CONFIG_INVALID', `${out} is there already`, {
    hint: 'name another file: an export is not written over',
  })
}

/** Under another name until it is whole: half a bundle must not pass for one. */
async function write(file: string, pieces: AsyncIterable<string>): Promise<number> {
  const draft = `${file}.part`
  const stream = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true })
  try {
    await pipeline(Readable.from(pieces), stream)
    renameSync(draft, file)
    return stream.bytesWritten
  } catch (error) {
    if (!isTaken(error)) rmSync(draft, { force: true })
    throw unwritable(file, error)
  }
}

function unwritable(file: string, cause: unknown): unknown {
  const isOfFiles = cause instanceof Error && 'syscall' in cause && 'path' in cause
  if (!isOfFiles || !String(cause.path).startsWith(file)) return cause
  return new SekishoError('CONFIG_INVALID', `${file} cannot be written`, {
    hint: 'name a file in a directory that can be written, with enough space',
    cause,
  })
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EEXIST'
}

function isSessionUnknown(error: unknown, session: unknown): SekishoError | undefined {
  if (!(error instanceof UnusableInput) || typeof session !== 'string') return undefined
  if (!error.message.includes(session)) return undefined
  return new SekishoError('SESSION_UNKNOWN', printable(error.message), {
    hint: 'run `sekisho log query --type session.start`',
    cause: error,
  })
}
