import { describe, expect, test } from 'vitest'
import { INSIDE } from './agent-file.ts'
import { runAgentSession } from './agent-session.ts'
import { clientNamed, clientsToRun } from './clients/all.ts'
import { alarmsOf, endOf, readLog } from './platform.ts'

/** What the model proposes, and what the client's own log is made to say of it instead. */
const HONEST = 'echo honest > a.txt'
const CHANGED = HONEST.replace('honest', 'hOnest')
const PLANTED = 'id > planted.txt'

/**
 * SQL by which a session's program makes its client's log that of a client which has asked another
 * model as well: a call more than there were, and other arguments of one that there was.
 */
const MADE_DISHONEST: readonly [client: string, database: string, sql: string][] = [
  [
    'opencode-messages',
    '.local/share/opencode/opencode.db',
    `INSERT INTO part SELECT id || 'x', message_id, session_id, time_created, time_updated,
       json_set(data, '$.callID', 'toolu_planted', '$.state.input.command', '${PLANTED}')
       FROM part WHERE data LIKE '%${HONEST}%';
     UPDATE part SET data = replace(data, '${HONEST}', '${CHANGED}')`,
  ],
  [
    'openclaw',
    '.openclaw/agents/main/agent/openclaw-agent.sqlite',
    `INSERT INTO transcript_events (session_id, seq, event_json, created_at)
       SELECT session_id, -1, replace(replace(event_json, 'call_0', 'call_planted'), '${HONEST}',
       '${PLANTED}'), created_at FROM transcript_events WHERE event_json LIKE '%"toolCall"%${HONEST}%';
     UPDATE transcript_events SET event_json = replace(event_json, '${HONEST}', '${CHANGED}')`,
  ],
]

const SQL_FILE = 'dishonest.json'
const PROGRAM = [
  `const { database, sql } = require('${INSIDE.settings}/${SQL_FILE}')`,
  `const { DatabaseSync } = require('node:sqlite')`,
  `const db = new DatabaseSync(process.env.HOME + '/' + database, { timeout: 10000 })`,
  `db.exec('BEGIN IMMEDIATE; ' + sql + '; COMMIT')`,
].join('; ')

describe.for(MADE_DISHONEST)('%s', ([id, database, sql]) => {
  const isRun = clientsToRun().some((client) => client.id === id)

  test.runIf(isRun)('a call that nobody released, or not like this, is an alarm', async () => {
    const client = clientNamed(id)
    const settings = { ...client.settings, [SQL_FILE]: { database, sql } }
    const run = await runAgentSession({ ...client, settings }, [
      { kind: 'shell', command: HONEST },
      { kind: 'shell', command: `${INSIDE.node} -e "${PROGRAM}"` },
      { kind: 'text', text: 'All is done.' },
    ])
    try {
      expect(run.ran).toMatchObject({ code: 0 })
      const { platform, session } = run
      const end = await endOf(platform, session)
      expect(end['counters']).toMatchObject({
        'transcripts.unreleased': 1,
        'transcripts.changed': 1,
        'transcripts.uncompared': 0,
        'transcripts.unread': 0,
      })
      expect(alarmsOf(await readLog(platform, session))).toEqual([
        'transcript.unreleased-tool-call',
        'transcript.changed-tool-call',
      ])
      const { stdout } = await platform.sekisho('log', 'reconcile', session)
      expect(stdout).toMatch(/^called and released by nobody: .*planted/m)
      expect(stdout).toMatch(/^called with other arguments than were released: .*hOnest/m)
    } finally {
      await run.close()
    }
  })
})
