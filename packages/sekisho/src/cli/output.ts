import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { isMissing, OUTPUT_FILE, readSessionRecord } from '../daemon/session-record.ts'
import type { Command } from './command.ts'
import { onePositional } from './flags.ts'

export const output: Command = {
  name: 'output',
  summary: 'What a session that was started with --detach has written so far',
  usage: 'sekisho output SESSION',
  async run(argv) {
    const session = onePositional(output.usage, argv)
    const { sessions } = pathsFrom(process.env)
    readSessionRecord(sessions, session) // refuses what is no session before it becomes a path
    try {
      const file = createReadStream(join(sessions, session, OUTPUT_FILE))
      for await (const chunk of file) process.stdout.write(chunk)
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
