import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, run } from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

/** Stands in what is asked and in what is said, and nowhere else. */
const ASKED = 'Zwetschgenkompott-4711'
const SAID = 'Holunderbluete-0815'
/** As somebody would write it: nothing in it looks like orders of somebody else. */
const PLAIN = Array.from(
  { length: 20 },
  (_, i) => `The function on line ${i * 7} reads a file and returns the number of lines in it.`,
).join(' ')
/** Made up; put together here so that no scanner takes it for one that was lost. */
const TOKEN = ['glpat', 'x7Q2zB9rKd4mTw8vLc3p'].join('-')

const REPLY = JSON.stringify({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-test',
  content: [{ type: 'text', text: `${SAID} and ${TOKEN}` }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1000, output_tokens: 100 },
})

/** Made up. */
const GUARD_KEY = 'guard-key-of-this-test-0123456789'
const NOTHING_FOUND = JSON.stringify({ action: 'NONE', assessments: [] })
const GUARD = {
  id: 'guard',
  kind: 'bedrock-guardrail',
  url: `https://${UPSTREAM_HOST}/guardrail/g/version/1`,
  credential: 'env:GUARD_KEY',
  channels: ['user', 'reply'],
  onMatch: 'deny',
}

let upstream: Upstream
let directory: string
let full: Instance
let digest: Instance
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-llm-recordings-'))
  upstream = await startUpstream(directory, (path) =>
    path.startsWith('/guardrail/') ? NOTHING_FOUND : REPLY,
  )
  const recorded = (mode: string): Promise<Instance> =>
    openInstance({
      agents: { client: clientAgent(upstream) },
      secrets: { GUARD_KEY: GUARD_KEY },
      bundle: {
        'models.yaml': {
          version: 1,
          providers: [{ id: 'maker', api: 'messages', url: `https://${UPSTREAM_HOST}/v1` }],
          recording: { mode, days: 30, redact: ['secret-format'] },
          ...(mode === 'digest' ? { filters: [GUARD] } : {}),
        },
      },
    })
  ;[full, digest] = await Promise.all([recorded('full'), recorded('digest')])
})
afterAll(async () => {
  await Promise.all([full?.close(), digest?.close()])
  await upstream?.close()
  await rm(directory, { recursive: true, force: true })
})

/** Asks so often, each time with one message more. @returns the status of each */
async function talk(instance: Instance, turns: number): Promise<string[]> {
  const bodies = Array.from({ length: turns }, (_, turn) =>
    JSON.stringify({
      model: 'claude-test',
      max_tokens: 300,
      messages: Array.from({ length: turn + 1 }, (__, i) => ({
        role: 'user',
        content: `${ASKED} ${i} ${PLAIN}`,
      })),
    }),
  )
  const script = `for body in "$@"; do
    curl -s -m 8 -o /dev/null -w '%{http_code}\\n' -H 'content-type: application/json' \\
      --data-binary @- https://${UPSTREAM_HOST}/v1/messages <<END
$(printf %s "$body" | base64 -d)
END
    done`
  // arguments of programs are in the log as they are
  const hidden = bodies.map((body) => Buffer.from(body).toString('base64'))
  const { code, stdout, stderr } = await run(instance, ['sh', '-c', script, 'sh', ...hidden], {
    flags: ['--agent', 'client'],
  })
  if (code !== 0) throw new Error(`${code} ${stdout} ${stderr}`)
  return stdout.trim().split('\n')
}

const Row = z.looseObject({
  intent: z.looseObject({ id: z.string(), session: z.string() }),
  call: z.looseObject({
    filters: z.array(z.looseObject({ side: z.string(), said: z.string() })).optional(),
    request: z.looseObject({ kept: z.boolean(), bytes: z.int() }),
    reply: z.looseObject({ kept: z.boolean() }),
  }),
})

async function callsOf(instance: Instance): Promise<z.infer<typeof Row>[]> {
  const { stdout } = await instance.sekisho('llm', 'calls', '--json')
  return stdout
    .trim()
    .split('\n')
    .map((line) => Row.parse(JSON.parse(line)))
}

/** Files of the state directory that hold one of the texts in the clear. */
function inTheClear(instance: Instance, texts: readonly string[]): string[] {
  const state = join(instance.directory, 'home/state')
  const files = readdirSync(state, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  expect(files.length).toBeGreaterThan(5)
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)))
}

function recordingsOf(instance: Instance): { name: string; bytes: number }[] {
  const dir = join(instance.directory, 'home/state/keyholder/recordings')
  return readdirSync(dir)
    .filter((name) => name.startsWith('s-'))
    .map((name) => ({ name, bytes: statSync(join(dir, name)).size }))
}

test('what was asked and said is kept, shown to who is on record, and erased', async () => {
  expect(await talk(full, 3)).toEqual(['200', '200', '200'])
  const calls = await callsOf(full)
  expect(calls.map(({ call }) => [call.request.kept, call.reply.kept])).toEqual(
    Array(3).fill([true, true]),
  )
  const [, , last] = calls
  const { id = '', session = '' } = last?.intent ?? {}
  const shown = await full.sekisho('llm', 'show', id, '--session', session)
  expect(shown).toMatchObject({ code: 0 })
  expect(shown.stdout).toContain(`${ASKED} 2`)
  expect(shown.stdout).toContain(SAID)
  expect(shown.stdout).not.toContain(TOKEN)
  expect(shown.stdout).toContain('*'.repeat(TOKEN.length))
  const read = await full.sekisho('log', 'query', '--type', 'log.read', 'recording')
  expect(read.stdout.match(/recording: s-/g)).toHaveLength(2)
  expect(inTheClear(full, [ASKED, SAID, TOKEN])).toEqual([])
  const erased = await full.sekisho('llm', 'erase', session)
  // the three replies are word for word the same, and were written once
  expect(erased.stdout).toContain('erased 4 recordings')
  expect(recordingsOf(full)).toEqual([])
  const gone = await full.sekisho('llm', 'show', id, '--session', session)
  expect(gone.stdout).toContain('are not kept, or not any more')
  expect((await full.sekisho('log', 'verify')).code).toBe(0)
})

test('of each turn what is new takes room', async () => {
  const before = recordingsOf(full).length
  expect(before).toBe(0)
  await talk(full, 6)
  const asked = (await callsOf(full)).slice(-6).map(({ call }) => call.request.bytes)
  const all = asked.reduce((sum, bytes) => sum + bytes, 0)
  const kept = recordingsOf(full).reduce((sum, { bytes }) => sum + bytes, 0)
  expect(kept).toBeLessThan(all / 2)
})

test('with `mode: digest` nothing of it is on the disk, and its leaves say so', async () => {
  expect(await talk(digest, 2)).toEqual(['200', '200'])
  const calls = await callsOf(digest)
  expect(calls.map(({ call }) => [call.request.kept, call.reply.kept])).toEqual(
    Array(2).fill([false, false]),
  )
  expect(recordingsOf(digest)).toEqual([])
  expect(inTheClear(digest, [ASKED, SAID, TOKEN])).toEqual([])
  const { intent } = calls[0] ?? expect.fail()
  const shown = await digest.sekisho('llm', 'show', intent.id, '--session', intent.session)
  expect(shown.stdout.match(/its digest alone was kept/g)).toHaveLength(2)
})

test('a filter is asked with the key that its reference leads to, which no session has', async () => {
  const { stdout } = await run(digest, ['env'], { flags: ['--agent', 'client'] })
  expect(stdout).not.toContain('GUARD')
  const asked = (await callsOf(digest)).map(({ call }) => call.filters)
  expect(asked.length).toBeGreaterThan(0)
  for (const looks of asked) {
    expect(looks).toMatchObject([
      { side: 'request', said: 'nothing' },
      { side: 'reply', said: 'nothing' },
    ])
  }
  expect(inTheClear(digest, [GUARD_KEY])).toEqual([])
})

test('coverage says what was looked at, and the audit holds calls to their intents', async () => {
  const coverage = await full.sekisho('llm', 'coverage', '--json')
  const { rows } = z
    .looseObject({ rows: z.array(z.looseObject({ part: z.string(), did: z.string() })) })
    .parse(JSON.parse(coverage.stdout))
  expect(rows.map(({ part }) => part)).toContain('request')
  expect(rows.filter(({ did }) => did === 'unsupported')).toEqual([])
  const { code } = await full.sekisho(
    'log',
    'verify',
    '--root',
    join(full.directory, 'home/state/root.pem'),
  )
  expect(code).toBe(0)
})
