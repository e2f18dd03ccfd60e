import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import {
  readSessionRecord,
  readSessionRecords,
  type SessionRecord,
} from '../daemon/session-record.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'
import { runningSessions } from './running-sessions.ts'

export const rm: Command = {
  name: 'rm',
  summary: 'Remove the changes that ended sessions left; your files are not touched',
  usage: 'sekisho rm SESSION… | sekisho rm --all-ended [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(rm.usage, argv, {
      'all-ended': { type: 'boolean', default: false },
    })
    const all = values['all-ended'] === true
    if (all === positionals.length > 0) {
      throw new SekishoError(
        'USAGE',
        all ? 'name sessions or --all-ended' : 'a session is missing',
        {
          hint: `usage: ${rm.usage}`,
        },
      )
    }
    const { sessions, apiSocket } = pathsFrom(process.env)
    const running = await runningSessions(apiSocket)
    const isOver = (record: SessionRecord): boolean =>
      // a record without an end is being closed by the daemon, or was cut off together with it
      running === undefined || record.endedAt !== null
    const records = all
      ? readSessionRecords(sessions).filter(isOver)
      : [...new Set(positionals)].map((session) => readSessionRecord(sessions, session))
    const busy = records.find((record) => !isOver(record))
    if (busy !== undefined) throw stillRunning(busy.session)
    for (const { session } of records) {
      rmSync(join(sessions, session), { recursive: true, force: true })
      if (values['json'] !== true) terminal.out(`removed  ${session}`)
    }
    if (values['json'] === true) {
      terminal.out(JSON.stringify({ removed: records.map(({ session }) => session) }))
    }
    return 0
  },
}

function stillRunning(session: string): SekishoError {
  return new SekishoError(
    'WORKSPACE_INVALID',
    `session ${session} has not ended; nothing is removed`,
    {
      hint: `run \`sekisho stop ${session}\` first`,
    },
  )
}
