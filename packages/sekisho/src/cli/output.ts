import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { isMissing, OUTPUT_FILE, readSessionRecord } from '../daemon/session-record.ts'
import type { Command, Terminal } from './command.ts'
import { onePositional } from './flags.ts'
import { printable, writeBytes } from './terminal.ts'

export const output: Command = {
  name: 'output',
  summary: 'What a session that was started with --detach has written so far',
  usage: 'sekisho output SESSION',
  async run(argv, terminal) {
    const session = onePositional(output.usage, argv)
    const { sessions } = pathsFrom(process.env)
    readSessionRecord(sessions, session) // refuses what is no session before it becomes a path
    try {
      const file = createReadStream(join(sessions, session, OUTPUT_FILE))
      if (isatty(1)) await showLines(file, terminal)
      else for await (const chunk of file) writeBytes(chunk)
    } catch (cause) {
      if (!isMissing(cause)) throw cause
      throw new SekishoError('SESSION_UNKNOWN', `${session} was not started with --detach`, {
        hint: 'its output went to whoever started it',
        cause,
      })
    }
    return 0
  },
}

/** Nobody sits at the session: what it wrote is an agent's text, and must not drive a terminal. */
async function showLines(file: Readable, terminal: Terminal): Promise<void> {
  const lines = createInterface({ input: file, crlfDelay: Infinity })
  for await (const line of lines) terminal.out(line.split('\t').map(printable).join('\t'))
}
