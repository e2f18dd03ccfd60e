import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, run, runningSessions, startRun } from './instance.ts'

const PLAIN = { version: 1, name: 'default', presets: 'none', attestation: 'mark' }
const CLONER = { ...PLAIN, name: 'cloner', workspace: { mode: 'clone' } }

let instance: Instance
let workspace: string
beforeAll(async () => {
  instance = await openInstance({ agents: { default: PLAIN, cloner: CLONER } })
})
afterAll(async () => instance?.close())

/** The user's project: a repository with an agent's configuration in it. */
beforeEach(() => {
  workspace = mkdtempSync(join(instance.directory, 'project-'))
  user(`git init -q -b main . && mkdir .claude src && echo settings > .claude/settings.json
    echo rules > CLAUDE.md; echo 1 > src/a; mkdir -p .git/hooks
    git add -A && git -c user.name=u -c user.email=u@x commit -qm first`)
})

function user(script: string): string {
  return execFileSync('sh', ['-ec', script], { cwd: workspace, encoding: 'utf8' })
}

const everything = (): string =>
  user(`find . -printf '%p %m %u %s %T@ %l\\n' | sort; find . -type f | sort | xargs sha256sum`)

async function session(script: string, flags: readonly string[] = []): Promise<string> {
  const all = ['--workspace', workspace, ...flags]
  const command = ['bash', '-c', `echo -n "$SEKISHO_SESSION "; exec 2>&1; ${script}`]
  const { stdout } = await run(instance, command, { flags: all })
  return stdout
}

const idIn = (said: string): string => said.slice(0, said.indexOf(' '))

const Taken = z.looseObject({ snapshot: z.string(), leftOut: z.array(z.string()) })

const Indexed = z.looseObject({ leaf: z.looseObject({ type: z.string() }) })

async function snapshot(id: string, ...flags: string[]): Promise<z.infer<typeof Taken>> {
  const { code, stdout, stderr } = await instance.sekisho('snapshot', id, ...flags, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return Taken.parse(JSON.parse(stdout))
}

/** As controls.md has it: an agent does not change what it, or another, will obey (P7.3). */
const VECTORS = [
  'echo evil > CLAUDE.md',
  'echo evil > .claude/settings.json',
  'echo evil > .claude/hooks.json',
  'echo evil > .codex/config.toml',
  'rm -rf .claude',
  'mv .claude x',
  'ln -sfn /tmp .gemini',
  'git config core.hooksPath /tmp',
  'echo evil > .git/hooks/pre-commit',
  'chmod 777 .git/hooks',
  'echo evil >> ~/.bashrc',
  'rm -f ~/.profile',
  'git config --global core.pager evil',
  'mv ~/.config ~/was',
  'echo evil > /usr/local/bin/git',
  'echo evil > /etc/profile',
]

test('no vector of configuration works inside, and nothing of the user’s is changed', async () => {
  const before = everything()
  const tries = VECTORS.map((vector, i) => `(${vector}) >/dev/null 2>&1 && echo "through: ${i}"`)
  const said = await session(
    `${tries.join('; ')}; git commit -q --allow-empty -m x; git log --oneline | wc -l`,
  )
  expect(said.slice(said.indexOf(' ') + 1)).toBe('2\n')
  expect(everything()).toBe(before)
  const { stdout } = await instance.sekisho('diff', idIn(said), '--stat')
  expect(stdout).not.toMatch(/claude|codex|gemini|hooks|config/i)
})

test('a poisoned session’s snapshot begins a clean one, which is on record', async () => {
  const said = await session(`echo work > src/b; rm src/a; echo evil > .mcp.json; echo evil > .envrc
    mkdir -p deep/.vscode; echo evil > deep/.vscode/tasks.json; echo evil > AGENTS.md`)
  const taken = await snapshot(idIn(said), '--name', 'poisoned')
  expect(taken.leftOut).toEqual(['.envrc', '.mcp.json', 'AGENTS.md', 'deep/.vscode'])
  const next = await instance.sekisho(
    'restore',
    'poisoned',
    '--',
    'sh',
    '-c',
    'cat src/b; find . -path ./.git -prune -o -type f -print',
  )
  expect(next.stdout.split('\n').toSorted()).toEqual(
    ['', './.claude/settings.json', './CLAUDE.md', './src/b', 'work'].toSorted(),
  )
  expect(next.stderr).toContain('left out .mcp.json')
  const { stdout: log } = await instance.sekisho('log', 'show', '--json')
  const lines = log.split('\n').filter((line) => line.includes(taken.snapshot))
  const leaves = lines.map((line) => Indexed.parse(JSON.parse(line)).leaf)
  expect(leaves).toMatchObject([
    { type: 'workspace.snapshot', session: idIn(said), leftOut: taken.leftOut },
    { type: 'session.start', workspace },
  ])
})

test('a running session is forked where it stands, and what the user changed since is a conflict', async () => {
  const client = startRun(
    instance,
    ['sh', '-c', 'echo agent > src/a; echo ready; read x; echo late > src/late'],
    {
      flags: ['--workspace', workspace],
    },
  )
  await client.says('ready')
  const [id = ''] = await runningSessions(instance)
  user('echo user > src/a')
  const forked = await instance.sekisho(
    'fork',
    id,
    '--',
    'sh',
    '-c',
    'cat src/a; ls src; echo -n $SEKISHO_SESSION',
  )
  expect(forked.stdout).toMatch(/^agent\na\ns-/)
  client.process.stdin?.end('\n')
  expect((await client.ended).code).toBe(0) // it went on
  const fork = forked.stdout.slice(-22)
  const applied = await instance.sekisho('apply', fork, '--json')
  expect(JSON.parse(applied.stdout)).toMatchObject({ conflicts: ['src/a'], applied: [] })
  expect(readFileSync(join(workspace, 'src/a'), 'utf8')).toBe('user\n')
})

test('a damaged snapshot starts nothing', async () => {
  const { snapshot: id } = await snapshot(idIn(await session('echo work > src/b')))
  const blobs = join(instance.home, 'state/snapshots', id, 'blobs')
  for (const blob of readdirSync(blobs)) writeFileSync(join(blobs, blob), 'evil')
  const before = readdirSync(join(instance.home, 'state/sessions'))
  const { code, stdout, stderr } = await instance.sekisho('restore', id, '--', 'echo', 'started')
  expect({ code, stdout, said: stderr.includes('SNAPSHOT_INVALID') }).toEqual({
    code: 125,
    stdout: '',
    said: true,
  })
  expect(readdirSync(join(instance.home, 'state/sessions'))).toEqual(before)
})

test('in a clone the agent commits, and the user fetches', async () => {
  const mark = join(instance.directory, 'mark')
  user(`printf '#!/bin/sh\\ntouch ${mark}\\n' > .git/monitor; chmod 755 .git/monitor
    git config core.fsmonitor "$PWD/.git/monitor"; echo "touch ${mark}" > .git/hooks/post-checkout
    chmod 755 .git/hooks/post-checkout; echo mine > uncommitted`)
  const before = everything()
  const said = await session('git ls-files -o; echo 2 > src/a; git commit -qam second', [
    '--agent',
    'cloner',
  ])
  const id = idIn(said)
  expect(said).toBe(`${id} `)
  expect((await instance.sekisho('apply', id)).stderr).toContain('--bundle')
  const bundle = join(instance.directory, 'bundle')
  expect((await instance.sekisho('apply', id, '--bundle', bundle)).code).toBe(0)
  const { stdout } = await instance.sekisho('diff', id, '--stat')
  expect(stdout).toMatch(/^commit [0-9a-f]{12} Sekisho agent: second\nM src\/a  \+1 -1\n1 files/)
  expect(everything()).toBe(before)
  expect(() => readFileSync(mark)).toThrow('ENOENT')
  rmSync(join(workspace, '.git/monitor'))
  user(`git -c core.fsmonitor=false -c core.hooksPath=/dev/null fetch -q ${bundle} refs/heads/main`)
  expect(user('git -c core.fsmonitor=false show FETCH_HEAD:src/a')).toBe('2\n')
})

test('two at once on the same repository share nothing; they meet when the user merges', async () => {
  const edit = (text: string): string[] => [
    'sh',
    '-c',
    `echo ${text} > src/a; git commit -qam ${text}; echo "$SEKISHO_SESSION"; echo ready; read x; cat src/a; ls src /tmp`,
  ]
  const flags = ['--agent', 'cloner', '--workspace', workspace]
  const clients = ['left', 'right'].map((text) => startRun(instance, edit(text), { flags }))
  await Promise.all(clients.map((client) => client.says('ready')))
  for (const client of clients) client.process.stdin?.end('\n')
  const ends = await Promise.all(clients.map(({ ended }) => ended))
  const said = ends.map(({ code, stdout }) => [code, stdout.split('\n').slice(1)])
  expect(said).toEqual([
    [0, ['ready', 'left', '/tmp:', '', 'src:', 'a', '']],
    [0, ['ready', 'right', '/tmp:', '', 'src:', 'a', '']],
  ])
  for (const [i, { stdout }] of ends.entries()) {
    const bundle = join(workspace, `bundle-${i}`)
    const { code } = await instance.sekisho('apply', stdout.slice(0, 22), '--bundle', bundle)
    expect(code).toBe(0)
    user(`git fetch -q ${bundle} 'refs/heads/*:refs/remotes/agent-${i}/*'`)
  }
  user('git merge -q agent-0/main')
  const merge = 'git -c user.name=u -c user.email=u@x merge -q agent-1/main || true; git status -s'
  expect(user(merge)).toContain('UU src/a')
})

test('what cannot be cloned is named, and leaves nothing', async () => {
  mkdirSync(join(workspace, 'plain'))
  const flags = ['--agent', 'cloner', '--workspace', join(workspace, 'plain')]
  const { code, stderr } = await run(instance, ['true'], { flags })
  expect({ code, said: stderr.includes('has no repository of its own') }).toEqual({
    code: 125,
    said: true,
  })
})
