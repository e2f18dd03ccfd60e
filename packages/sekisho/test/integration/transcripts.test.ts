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
  await expect.poll(async () => (await leavesOf('session.end')).length).toBeGreaterThan(ended)
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
  expect(JSON.parse(reconciled.stdout)).toMatchObject({ compared: 1, differences: [] })
  expect(reconciled.code).toBe(0)
})

test('an agent that claims what it did not do is told from one that did it', async () => {
  const session = await agentThat(['npm test'], 'true')
  const { code, stdout } = await instance.sekisho('log', 'reconcile', session)
  expect([code, stdout]).toEqual([1, 'claimed and not seen: npm test\n'])
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
