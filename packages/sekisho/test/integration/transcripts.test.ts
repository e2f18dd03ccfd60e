import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, run } from './instance.ts'

/** Programs are recorded, and what the agent says of itself is kept. */
const AGENT = { version: 1, name: 'watched', presets: 'none' }

let instance: Instance
beforeAll(async () => {
  instance = await openInstance({ agents: { watched: AGENT } })
})
afterAll(() => instance?.close())

const Ended = z.looseObject({ leaf: z.looseObject({ session: z.string(), type: z.string() }) })

/** What an agent would write, and what it does. @returns its session */
async function agentThat(claims: readonly string[], does: string): Promise<string> {
  const lines = claims.map((command) =>
    JSON.stringify({
      type: 'assistant',
      message: { content: [{ type: 'tool_use', name: 'Bash', input: { command } }] },
    }),
  )
  const script = `mkdir -p ~/.claude/projects/w && printf '%s\\n' "$@" > ~/.claude/projects/w/a.jsonl\n${does}`
  const ran = await run(instance, ['bash', '-c', script, 'bash', ...lines], {
    flags: ['--agent', 'watched'],
  })
  expect(ran).toMatchObject({ code: 0 })
  // the session's end is in the log once its rest is gone
  const ends = async (): Promise<number> => (await leavesOf('session.end')).length
  await expect.poll(ends).toBeGreaterThan(ended)
  const sessions = await leavesOf('session.end')
  ended = sessions.length
  return sessions.at(-1)?.leaf.session ?? ''
}
let ended = 0

async function leavesOf(type: string): Promise<z.infer<typeof Ended>[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.split('\n').filter((line) => line.includes(`"type":"${type}"`))
  return lines.map((line) => Ended.parse(JSON.parse(line)))
}

test('claims that were seen agree, and the kept log is what the agent wrote', async () => {
  const session = await agentThat(['ls /usr'], "bash -c 'ls /usr' >/dev/null")
  const reconciled = await instance.sekisho('log', 'reconcile', session, '--json')
  // no model was asked through the gate, so nobody has released what this agent says that it called
  expect(JSON.parse(reconciled.stdout)).toMatchObject({
    compared: 1,
    calls: 1,
    differences: [{ kind: 'unreleased-tool-call', call: { tool: 'Bash' } }],
  })
})

test('an agent that claims what it did not do is told from one that did it', async () => {
  const session = await agentThat(['npm test'], 'true')
  const { code, stdout } = await instance.sekisho('log', 'reconcile', session)
  expect([code, stdout]).toEqual([
    1,
    'claimed and not seen: npm test\ncalled and released by nobody: Bash {"command":"npm test"}\n',
  ])
})

test('a call of a tool that the gate never released is an alarm of its session', async () => {
  const session = await agentThat(['ls /usr', 'id'], 'true')
  const alarms = (await leavesOf('alert')).filter(({ leaf }) => leaf.session === session)
  expect(alarms.map(({ leaf }) => leaf)).toMatchObject([
    {
      rule: 'transcript.unreleased-tool-call',
      severity: 'high',
      subject:
        '2 of 2 calls of tools in ~/.claude/projects/w/a.jsonl of claude-code were released by nobody: Bash',
    },
  ])
  const end = (await leavesOf('session.end')).at(-1)?.leaf['counters']
  expect(end).toMatchObject({ 'transcripts.unreleased': 2, 'transcripts.uncompared': 0 })
  const quiet = await agentThat([], 'true')
  expect((await leavesOf('alert')).filter(({ leaf }) => leaf.session === quiet)).toEqual([])
})

/** What an agent does that would rather not be read: each line one way. */
const HOSTILE = `
cd ~ && mkdir -p .claude/projects/w/one/subagents .codex/sessions/2026/11/22 .gemini/tmp/a/chats .local/share/opencode
printf '{"type":"assist' >> .claude/projects/w/a.jsonl
head -1 .claude/projects/w/a.jsonl > .claude/projects/w/one/subagents/agent-1.jsonl
truncate -s 9M .codex/sessions/2026/11/22/long.jsonl
ln -s /etc/passwd .codex/sessions/2026/11/22/link.jsonl
mkfifo .gemini/tmp/a/chats/pipe.json
{ printf 'SQLite format 3\\0'; head -c 9000 /dev/urandom; } > .local/share/opencode/opencode.db
head -c 5000 /dev/urandom > .local/share/opencode/opencode.db-wal`

test('among logs that nobody can read, those that can be are compared, and the others counted', async () => {
  const session = await agentThat(['id'], HOSTILE)
  const alarms = (await leavesOf('alert')).filter(({ leaf }) => leaf.session === session)
  const of = (path: string): string =>
    `1 of 1 calls of tools in ~/.claude/projects/w/${path} of claude-code were released by nobody: Bash`
  expect(alarms.map(({ leaf }) => leaf['subject'])).toEqual([
    of('one/subagents/agent-1.jsonl'),
    of('a.jsonl'),
  ])
  const end = (await leavesOf('session.end')).at(-1)?.leaf['counters']
  expect(end).toMatchObject({
    'transcripts.kept': 5,
    'transcripts.lost': 0,
    'transcripts.unreleased': 2,
    'transcripts.uncompared': 0,
    // a line that is torn, zeros in place of one, the rest of that file, and what is no database
    'transcripts.unread': 4,
  })
})

test('whoever reads what an agent wrote is on record before it is shown', async () => {
  const session = await agentThat(['cat notes'], 'true')
  const before = (await leavesOf('transcript.collected')).length
  expect(before).toBeGreaterThan(0)
  const listed = await instance.sekisho('log', 'transcripts', session)
  const leaf = /^(\d+) /m.exec(listed.stdout)?.[1] ?? ''
  const shown = await instance.sekisho('log', 'transcripts', session, '--show', leaf)
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('cat notes') })
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const read = stdout
    .split('\n')
    .filter((line) => line.includes('"log.read"') && line.includes(session))
  expect(read.map((line) => line.includes('"what":"transcript"'))).toContain(true)
})

test('a session without a client’s log says so', async () => {
  await run(instance, ['true'], { flags: ['--agent', 'watched'] })
  const reconciled = await instance.sekisho('log', 'reconcile', 's-00000000000000000000')
  expect(reconciled).toMatchObject({
    code: expect.toSatisfy((c: number) => c > 1),
    stderr: expect.stringContaining('no transcript'),
  })
})
