import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findTranscripts, MAX_TRANSCRIPT_BYTES, readTranscript } from './transcript-files.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-home-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const CLAUDE = '.claude/projects/-workspace/one.jsonl'

function write(path: string, text = '{}\n', modifiedS = 1000): void {
  mkdirSync(dirname(join(home, path)), { recursive: true })
  writeFileSync(join(home, path), text)
  utimesSync(join(home, path), modifiedS, modifiedS)
}

test('finds the logs of each client where it keeps them, newest first, and nothing else', async () => {
  const project = dirname(CLAUDE)
  const logs = [
    ['openclaw', '.openclaw/agents/main/agent/openclaw-agent.sqlite'],
    ['openclaw', '.openclaw/agents/main/agent/openclaw-agent.sqlite-wal'],
    ['opencode', '.local/share/opencode/opencode.db'],
    ['opencode', '.local/share/opencode/opencode.db-wal'],
    ['codex', '.codex/sessions/2026/11/22/rollout-1.jsonl'],
    ['codex', '.codex/archived_sessions/rollout-0.jsonl'],
    ['gemini-cli', '.gemini/tmp/abc/chats/session.json'],
    ['gemini-cli', '.gemini/tmp/abc/chats/session.jsonl'],
    ['gemini-cli', '.gemini/tmp/abc/chats/parent/subagent.jsonl'],
    ['claude-code', CLAUDE],
    ['claude-code', `${project}/one/subagents/agent-1.jsonl`],
    ['claude-code', `${project}/one/subagents/below/agent-2.jsonl`],
    ['claude-code', `${project}/one/subagents/workflows/run/agent-3.jsonl`],
  ] as const
  for (const [index, [, path]] of logs.entries()) write(path, '{}', 1000 - index)
  write('.claude/settings.json')
  write(`${project}/deeper/two.jsonl`)
  write('.local/share/opencode/opencode.db-shm')
  write('.openclaw/agents/main/agent/openclaw-agent.sqlite.reindex-lock.sqlite')
  expect((await findTranscripts(home)).map(({ client, path }) => [client, path])).toEqual(logs)
})

test('a home without any client has none', async () => {
  expect(await findTranscripts(home)).toEqual([])
})

test.for([
  ['the client’s directory', '.claude'],
  ['a directory on the way', '.claude/projects'],
  ['a directory of any name', '.claude/projects/-workspace'],
  ['the file itself', CLAUDE],
] as const)('follows no link in place of %s: this is read as root', async ([, link]) => {
  const outside = mkdtempSync(join(tmpdir(), 'sekisho-outside-'))
  try {
    const below = CLAUDE.slice(link.length + 1)
    const target = join(outside, below === '' ? 'secret.jsonl' : below)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, 'root’s own')
    mkdirSync(dirname(join(home, link)), { recursive: true })
    symlinkSync(below === '' ? target : outside, join(home, link))
    expect(await findTranscripts(home)).toEqual([])
  } finally {
    rmSync(outside, { recursive: true })
  }
})

test('a link that takes the file’s place after it was found is not read', async () => {
  write(CLAUDE)
  const [found] = await findTranscripts(home)
  if (found === undefined) throw new Error('nothing found')
  rmSync(join(home, CLAUDE))
  symlinkSync('/etc/passwd', join(home, CLAUDE))
  await expect(readTranscript(home, found)).rejects.toMatchObject({ code: 'ELOOP' })
})

test('a name that is not UTF-8 hides nothing beside it', async () => {
  write(CLAUDE)
  const directory = Buffer.from(`${dirname(join(home, CLAUDE))}/`)
  writeFileSync(Buffer.concat([directory, Buffer.from([0xff]), Buffer.from('.jsonl')]), '{}')
  expect((await findTranscripts(home)).map(({ path }) => path)).toEqual([CLAUDE])
})

test('a pipe with the name of a log holds nobody up', async () => {
  write('.claude/projects/-workspace/x.txt')
  execFileSync('mkfifo', [join(home, CLAUDE)])
  expect(await findTranscripts(home)).toEqual([])
  const found = { client: 'claude-code', path: CLAUDE, modifiedMs: 0 }
  await expect(readTranscript(home, found)).rejects.toThrow('no plain file')
})

test('of a log that is too long the beginning is read', async () => {
  write(CLAUDE)
  truncateSync(join(home, CLAUDE), MAX_TRANSCRIPT_BYTES + 1)
  const [found] = await findTranscripts(home)
  if (found === undefined) throw new Error('nothing found')
  const { content, bytes } = await readTranscript(home, found)
  expect([content.length, bytes]).toEqual([MAX_TRANSCRIPT_BYTES, MAX_TRANSCRIPT_BYTES + 1])
})
