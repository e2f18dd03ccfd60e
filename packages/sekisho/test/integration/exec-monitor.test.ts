import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, run, startRun } from './instance.ts'

const Exec = z.looseObject({
  type: z.literal('process.exec'),
  session: z.string(),
  id: z.string(),
  path: z.string(),
  digest: z.string().nullable(),
  written: z.boolean(),
  argv: z.array(z.string()),
  verdict: z.looseObject({ kind: z.string(), rules: z.array(z.string()) }),
})
const Leaf = z.looseObject({ type: z.string(), session: z.string().nullish() })

let instance: Instance
beforeAll(async () => {
  const strict = { version: 1, name: 'strict', presets: 'none', exec: { written: 'deny' } }
  instance = await openInstance({ agents: { strict } })
})
afterAll(async () => instance?.close())

/** Runs a script that says its session first. @returns its session's leaves and what else it said */
async function session(
  script: string,
  flags: readonly string[] = [],
): Promise<{ leaves: z.infer<typeof Leaf>[]; execs: z.infer<typeof Exec>[]; said: string }> {
  const { stdout, stderr } = await run(
    instance,
    ['sh', '-c', `echo "$SEKISHO_SESSION"; ${script}`],
    { flags },
  )
  const [id = '', ...said] = stdout.split('\n')
  const leaves = await leavesOf(id)
  return { leaves, execs: execsOf(leaves), said: said.join('\n') + stderr }
}

/** With its end, which comes a moment after the client has gone. */
async function leavesOf(id: string): Promise<z.infer<typeof Leaf>[]> {
  await expect.poll(async () => (await readLog(id)).at(-1)?.type).toBe('session.end')
  return readLog(id)
}

async function readLog(id: string): Promise<z.infer<typeof Leaf>[]> {
  const { code, stdout, stderr } = await instance.sekisho('log', 'show', '--session', id, '--json')
  if (code !== 0) throw new Error(`sekisho log show: ${stderr}`)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => Leaf.parse(z.looseObject({ leaf: z.unknown() }).parse(JSON.parse(line)).leaf))
}

function execsOf(leaves: readonly z.infer<typeof Leaf>[]): z.infer<typeof Exec>[] {
  return leaves.filter(({ type }) => type === 'process.exec').map((leaf) => Exec.parse(leaf))
}

const sha256 = (path: string): string =>
  `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`

test('every exec of a session is in the log, from its command on, with the digest of the file', async () => {
  const look = async (): Promise<unknown> => {
    const { execs, said } = await session('uname -s; cp /bin/true own; ./own one two; echo over')
    const shown = execs.map(({ path, digest, written, verdict }) => [
      path,
      digest,
      written,
      verdict.kind,
    ])
    return { said, shown, last: execs.at(-1)?.argv }
  }
  // on a busy disk a digest may come too late to be recorded, but not each time
  await expect.poll(look).toEqual({
    said: 'Linux\nover\n',
    shown: [
      ['/usr/bin/dash', sha256('/usr/bin/dash'), false, 'allow'],
      ['/usr/bin/uname', sha256('/usr/bin/uname'), false, 'allow'],
      ['/usr/bin/cp', sha256('/usr/bin/cp'), false, 'allow'],
      ['/workspace/own', sha256('/usr/bin/true'), true, 'allow'],
    ],
    last: ['./own', 'one', 'two'],
  })
})

test('the end says how many there were, and what they looked like', async () => {
  const { leaves, execs } = await session('cat /proc/self/environ > /dev/null; true | cat')
  const end = leaves.find(({ type }) => type === 'session.end')
  const counters = z.record(z.string(), z.number()).parse(end?.['counters'])
  expect(counters).toMatchObject({
    'exec.total': execs.length,
    'exec.denied': 0,
    'exec.unhashed': expect.any(Number),
  })
  expect(leaves.filter(({ type }) => type === 'alert').map(({ rule }) => rule)).toEqual([
    'exec.credential-file',
  ])
})

test('an agent that must not run what it writes does not, in any place it can write to', async () => {
  const attempts = ['own', '/tmp/own', '/home/agent/own']
  const script = attempts.map((at) => `cp /bin/echo ${at}; ${at.replace(/^own/, './own')} ran`)
  const { execs, said } = await session(script.join('; '), ['--agent', 'strict'])
  expect(said).not.toContain('ran\n')
  const denied = execs.filter(({ verdict }) => verdict.kind === 'deny')
  expect(denied.map(({ path, verdict }) => [path, verdict.rules])).toEqual([
    ['/workspace/own', ['exec.written']],
    ['/tmp/own', ['exec.written']],
    ['/home/agent/own', ['exec.written']],
  ])
})

test('it runs what the user has brought along, until that is changed', async () => {
  const workspace = join(instance.directory, 'project')
  mkdirSync(workspace, { mode: 0o755 })
  writeFileSync(join(workspace, 'tool'), '#!/bin/sh\necho tool\n', { mode: 0o755 })
  for (const path of [workspace, join(workspace, 'tool')]) chownSync(path, 1000, 1000)
  const flags = ['--agent', 'strict', '--workspace', workspace]
  const { execs, said } = await session(
    './tool; echo "echo more" >> tool; ./tool || echo no',
    flags,
  )
  expect(said).toMatch(/^tool\nno\n/)
  const tools = execs.filter(({ path }) => path === '/workspace/tool')
  expect(tools.map(({ written, verdict }) => [written, verdict.kind]).slice(0, 2)).toEqual([
    [false, 'allow'],
    [true, 'deny'],
  ])
})

test('sessions that run at once have each their own', async () => {
  const clients = ['uname', 'id'].map((command) =>
    startRun(instance, ['sh', '-c', `echo "$SEKISHO_SESSION"; read go; ${command}; ${command}; :`]),
  )
  await Promise.all(clients.map((client) => client.says('s-')))
  for (const client of clients) client.process.stdin?.end('go\n')
  const ended = await Promise.all(clients.map((client) => client.ended))
  const paths = await Promise.all(
    ended.map(async ({ stdout }) =>
      execsOf(await leavesOf(stdout.split('\n')[0] ?? '')).map(({ path }) => path),
    ),
  )
  expect(paths).toEqual([
    ['/usr/bin/dash', '/usr/bin/uname', '/usr/bin/uname'],
    ['/usr/bin/dash', '/usr/bin/id', '/usr/bin/id'],
  ])
})
