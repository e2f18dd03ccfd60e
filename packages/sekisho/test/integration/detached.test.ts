import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Ended, type Instance, openInstance, run, runningSessions, start } from './instance.ts'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

let instance: Instance
let workspace: string
beforeAll(async () => {
  instance = await openInstance()
  workspace = join(instance.directory, 'workspace')
  mkdirSync(workspace)
})
afterAll(async () => instance?.close())

/** Starts it and is gone. @returns its session's id, the one line that the client says */
async function detach(command: readonly string[], flags: readonly string[] = []): Promise<string> {
  const end = await run(instance, command, { flags: ['--detach', ...flags] })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  expect(end.stdout).toMatch(/^s-[0-9a-z]{20}\n$/)
  return end.stdout.trim()
}

const output = async (session: string): Promise<string> =>
  (await instance.sekisho('output', session)).stdout

const Listed = z.object({
  sessions: z.array(z.looseObject({ session: z.string(), state: z.string() })),
})

async function stateOf(session: string): Promise<string | undefined> {
  const { stdout } = await instance.sekisho('ps', '--all', '--json')
  return Listed.parse(JSON.parse(stdout)).sessions.find((one) => one.session === session)?.state
}

const EndLeaf = z.object({
  leaf: z.looseObject({
    type: z.literal('session.end'),
    exitCode: z.int().nullable(),
    reason: z.string(),
    counters: z.record(z.string(), z.int()),
  }),
})

/** Its end as the log has it, once it is there. */
async function endOf(session: string): Promise<z.infer<typeof EndLeaf>['leaf']> {
  const read = async (): Promise<string> =>
    (await instance.sekisho('log', 'show', '--session', session, '--json')).stdout
      .trimEnd()
      .split('\n')
      .at(-1) ?? ''
  await expect.poll(read).toContain('"type":"session.end"')
  return EndLeaf.parse(JSON.parse(await read())).leaf
}

test('it goes on when its client has gone, reads nothing, and both its streams are kept', async () => {
  const script = 'cat; echo out; echo err >&2; read line || echo "no input"; exec sleep 600'
  const session = await detach(['sh', '-c', script])
  const said = async (): Promise<string[]> => (await output(session)).split('\n').toSorted()
  await expect.poll(said).toEqual(['', 'err', 'no input', 'out'])
  expect(await runningSessions(instance)).toEqual([session])
  expect(await stateOf(session)).toBe('running')
  expect(await instance.sekisho('rm', session)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has not ended; nothing is removed'),
  })
  expect(await instance.sekisho('stop', session)).toMatchObject({ code: 0 })
  expect(await endOf(session)).toMatchObject({ reason: 'stopped' })
})

test('an end by itself is in the log with its code, and its output stays until it is removed', async () => {
  const session = await detach(['sh', '-c', 'echo said; exit 3'])
  const { exitCode, reason, counters } = await endOf(session)
  expect({ exitCode, reason, dropped: counters['session.outputDroppedBytes'] }).toEqual({
    exitCode: 3,
    reason: 'exit',
    dropped: 0,
  })
  expect(await stateOf(session)).toBe('ended (3)')
  expect(await output(session)).toBe('said\n')
  expect(await instance.sekisho('rm', session)).toMatchObject({ code: 0 })
  expect(await stateOf(session)).toBe(undefined)
  expect(await instance.sekisho('output', session)).toMatchObject({
    code: expect.any(Number),
    stderr: expect.stringContaining('SESSION_UNKNOWN'),
  })
})

test('output is kept up to 16 MiB byte by byte; what comes after that is dropped, counted, and blocks nobody', async () => {
  const bytes = 20 * 1024 * 1024
  const script = `seq 1 4000000 | head -c ${bytes}; echo end >&2; exit 0`
  const session = await detach(['sh', '-c', script])
  const { counters, exitCode } = await endOf(session)
  expect({ exitCode, dropped: counters['session.outputDroppedBytes'] }).toEqual({
    exitCode: 0,
    dropped: bytes + 'end\n'.length - MAX_OUTPUT_BYTES,
  })
  const kept = readFileSync(join(instance.home, 'state/sessions', session, 'output'))
  const numbers = Array.from({ length: 4_000_000 }, (_, i) => i + 1).join('\n')
  expect([kept.length, digest(kept)]).toEqual([
    MAX_OUTPUT_BYTES,
    digest(Buffer.from(numbers.slice(0, MAX_OUTPUT_BYTES))),
  ])
  // through the command line as well, to the last byte
  const shown = await shell(`"$SEKISHO_LAUNCHER" output ${session} | sha256sum`)
  expect(shown.stdout).toBe(`${digest(kept)}  -\n`)
})

test('on a terminal, what it wrote is shown with its escapes, and a reader that leaves early is no failure', async () => {
  const session = await detach(['printf', 'a\\tb\\033]0;title\\007\\nü\\n'])
  await endOf(session)
  const shown = await shell(`script -qec '"$SEKISHO_LAUNCHER" output ${session}' /dev/null`)
  expect(shown.stdout.replaceAll('\r', '')).toBe('a\tb\\u001b]0;title\\u0007\nü\n')
  const long = await detach(['seq', '300000'])
  await endOf(long)
  const cut = await shell(`{ "$SEKISHO_LAUNCHER" output ${long}; echo $? >&2; } | head -n 1`)
  expect(cut).toMatchObject({ stdout: '1\n', stderr: '0\n' })
})

test('a command that cannot be started says so in its output', async () => {
  const session = await detach(['no-such-command'])
  expect(await endOf(session)).toMatchObject({ exitCode: 127 })
  expect(await output(session)).toBe('sekisho: no-such-command: not found\n')
})

test('a start that is refused is refused to the client, and nothing goes on', async () => {
  const flags = ['--detach', '--workspace', '/']
  expect(await run(instance, ['true'], { flags })).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('WORKSPACE_INVALID'),
  })
  expect(await runningSessions(instance)).toEqual([])
})

test('a session that was not detached has no output to show', async () => {
  const { stdout } = await run(instance, ['sh', '-c', 'echo x > file; echo -n $SEKISHO_SESSION'], {
    flags: ['--workspace', workspace],
  })
  expect(await instance.sekisho('output', stdout)).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining(`${stdout} was not started with --detach`),
  })
})

test('without a daemon nothing can be detached', async () => {
  const home = join(instance.directory, 'nobody')
  mkdirSync(join(home, 'policy'), { recursive: true })
  const env = { ...instance.env, HOME: home, SEKISHO_HOME: home }
  expect(await run({ env }, ['true'], { flags: ['--detach'] })).toMatchObject({
    code: 125,
    stderr: expect.stringContaining('DAEMON_UNREACHABLE'),
  })
})

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const shell = async (script: string): Promise<Ended> =>
  start(['bash', '-c', script], { env: instance.env }).ended
