import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestOverlay, testOverlay } from './testing/overlay.ts'
import { type ApplyOptions, type ApplyResult, applyWorkspace } from './workspace-apply.ts'
import { type Change, diffWorkspace } from './workspace-diff.ts'
import { isConfiguration, leadsOut, riskOf } from './workspace-risk.ts'

let overlay: TestOverlay
beforeEach(() => {
  overlay = testOverlay()
})
afterEach(() => overlay.remove())

const apply = (over: Partial<ApplyOptions> = {}): Promise<ApplyResult> =>
  applyWorkspace({
    ...overlay.layers,
    startedAtMs: Date.now() + 1000,
    areas: [],
    paths: null,
    includeConfig: false,
    force: false,
    ...over,
  })

test('everything ordinary, as the owner of the workspace', async () => {
  overlay.user(
    'echo 1 > gone; echo 1 > same; mkdir -p d/e; echo 1 > d/e/f; echo 1 > x; mkdir y; echo 1 > y/z',
  )
  chownSync(overlay.lower(), 4321, 4322)
  chownSync(overlay.lower('x'), 4323, 4324)
  overlay.session(
    'rm gone; rm -r d; echo 2 > x; chmod 750 x; mkdir -p n/m; echo new > n/m/o; ln -s m n/l; rm -r y; echo file > y',
  )
  const result = await apply()
  expect(result).toEqual({
    applied: ['gone', 'd/e/f', 'd/e', 'd', 'y/z', 'n', 'n/l', 'n/m', 'n/m/o', 'x', 'y'].toSorted(
      (a, b) => result.applied.indexOf(a) - result.applied.indexOf(b),
    ),
    config: [],
    conflicts: [],
    refused: [],
  })
  expect(existsSync(overlay.lower('gone')) || existsSync(overlay.lower('d'))).toBe(false)
  const { uid, gid, mode } = statSync(overlay.lower('x'))
  expect([readFileSync(overlay.lower('x'), 'utf8'), uid, gid, mode & 0o7777]).toEqual([
    '2\n',
    4323,
    4324,
    0o750,
  ])
  const fresh = statSync(overlay.lower('n/m/o'))
  expect([readFileSync(overlay.lower('n/m/o'), 'utf8'), fresh.uid, fresh.gid]).toEqual([
    'new\n',
    4321,
    4322,
  ])
  expect([readlinkSync(overlay.lower('n/l')), lstatSync(overlay.lower('n/l')).uid]).toEqual([
    'm',
    4321,
  ])
  expect(readFileSync(overlay.lower('y'), 'utf8')).toBe('file\n')
  expect((await diffWorkspace(overlay.layers)).changes).toEqual([])
})

test('only what was asked for, with the directories above it', async () => {
  overlay.session('mkdir -p a/b c; echo 1 > a/b/f; echo 1 > a/g; echo 1 > c/h')
  expect((await apply({ paths: ['a/b'] })).applied).toEqual(['a', 'a/b', 'a/b/f'])
  expect([existsSync(overlay.lower('a/g')), existsSync(overlay.lower('c'))]).toEqual([false, false])
})

test.for(['../x', '/etc', 'a/../b', 'a//b', '.', ''])(
  'a path such as %j is refused',
  async (path) => {
    await expect(apply({ paths: [path] })).rejects.toMatchObject({ code: 'USAGE' })
  },
)

test('what runs commands is taken only when asked for', async () => {
  overlay.user('mkdir -p .git/hooks')
  overlay.session(
    'echo x > .git/hooks/pre-commit; echo x > .envrc; mkdir -p sub/.vscode; echo x > sub/.vscode/tasks.json; echo x > CLAUDE.md; echo x > package.json',
  )
  expect(await apply()).toEqual({
    applied: ['package.json', 'sub'],
    config: [
      '.envrc',
      '.git/hooks/pre-commit',
      'CLAUDE.md',
      'sub/.vscode',
      'sub/.vscode/tasks.json',
    ],
    conflicts: [],
    refused: [],
  })
  expect((await apply({ includeConfig: true })).applied).toContain('.git/hooks/pre-commit')
})

test('devices, links that lead out, hard links and setuid are refused and named', async () => {
  overlay.session(
    'mkfifo p; ln -s /etc/passwd abs; ln -s ../x up; mkdir d; ln -s ../ok d/fine; echo 1 > h; ln h h2; echo 1 > s; chmod 4755 s; mknod dev c 1 3',
  )
  expect(await apply()).toEqual({
    applied: ['d', 'd/fine'],
    config: [],
    conflicts: [],
    refused: [
      { path: 'abs', reason: 'a link that leads out: /etc/passwd' },
      { path: 'dev', reason: 'a device, fifo or socket' },
      { path: 'h', reason: 'a hard link' },
      { path: 'h2', reason: 'a hard link' },
      { path: 'p', reason: 'a device, fifo or socket' },
      { path: 's', reason: 'setuid, setgid or sticky' },
      { path: 'up', reason: 'a link that leads out: ../x' },
    ],
  })
})

test('what the user changed meanwhile is a conflict, unless forced', async () => {
  overlay.user('echo 1 > mine; echo 1 > theirs; echo 1 > deleted')
  overlay.session('echo agent > mine; echo agent > theirs; rm deleted')
  const startedAtMs = Date.now() - 1000
  utimesSync(overlay.lower('mine'), 0, 0) // the change time is now; only that counts
  const changed = await apply({ startedAtMs })
  expect(changed.conflicts).toEqual(['deleted', 'mine', 'theirs'])
  expect(readFileSync(overlay.lower('mine'), 'utf8')).toBe('1\n')
  expect((await apply({ startedAtMs, force: true })).applied).toEqual(['deleted', 'mine', 'theirs'])
  expect(readFileSync(overlay.lower('mine'), 'utf8')).toBe('agent\n')
})

test('a directory that holds something of the user’s is not removed', async () => {
  overlay.user('mkdir d; echo 1 > d/a')
  overlay.session('rm -r d')
  writeFileSync(overlay.lower('d/.envrc'), 'the user’s')
  const { applied, config, refused } = await apply()
  expect({ applied, config, refused }).toEqual({
    applied: ['d/a'],
    config: ['d/.envrc'],
    refused: [{ path: 'd', reason: 'something in this directory is to stay' }],
  })
})

test('a directory that the user replaced by a link is not written through', async () => {
  const outside = join(overlay.root, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'f'), 'untouched')
  overlay.user('mkdir d; echo 1 > d/f')
  overlay.session('echo agent > d/f; echo agent > d/g')
  renameSync(overlay.lower('d'), overlay.lower('was'))
  symlinkSync(outside, overlay.lower('d'))
  await apply({ force: true })
  expect(readFileSync(join(outside, 'f'), 'utf8')).toBe('untouched')
  expect(existsSync(join(outside, 'g'))).toBe(false)
})

test.for([
  ['a', 'b', false],
  ['a', '../b', true],
  ['d/a', '../b', false],
  ['d/a', '../../b', true],
  ['d/a', 'x/../../b', true],
  ['d/a', './b', false],
  ['a', '/b', true],
  ['d/e/a', '../..', false],
  ['a', 'x/y/z/../../../etc', true],
] as const)('link %s to %s leads out: %s', ([path, target, want]) => {
  expect(leadsOut(path, target)).toBe(want)
})

test.for([
  ['.git/hooks/pre-commit', 'config'],
  ['.git/config', 'config'],
  ['.git/modules/x/hooks/post-checkout', 'config'],
  ['vendor/.git', 'config'],
  ['.git/objects/ab/cd', 'none'],
  ['.github/workflows/ci.yml', 'config'],
  ['.github/ISSUE_TEMPLATE.md', 'none'],
  ['.gitlab-ci.yml', 'config'],
  ['.mcp.json', 'config'],
  ['docs/AGENTS.md', 'config'],
  ['.npmrc', 'config'],
  ['.claude/settings.json', 'config'],
  ['.idea/workspace.xml', 'config'],
  ['Makefile', 'none'],
  ['src/config', 'none'],
  ['src/hooks/use-state.ts', 'none'],
  ['.githooks/pre-push', 'config'],
  ['.GIT/Hooks/pre-push', 'config'],
  ['.git/worktrees/w/config.worktree', 'config'],
  ['.git/objects/info/alternates', 'config'],
  ['.git/refs/heads/config-change', 'none'],
  ['.gitconfig', 'config'],
  ['.github/copilot-instructions.md', 'config'],
  ['.agents/skills/x/SKILL.md', 'config'],
  ['opencode.json', 'config'],
  ['.bash_aliases', 'config'],
  ['crontab', 'config'],
  ['sub/.husky/pre-commit', 'config'],
  ['pnpmfile.cjs', 'config'],
  ['src/profile.ts', 'none'],
  ['docs/agents.html', 'none'],
  ['agents/main.ts', 'none'],
  ['src/mcp.json.ts', 'none'],
] as const)('%s is %s', ([path, want]) => {
  const after = {
    type: 'file',
    mode: 0o644,
    bytes: 1,
    links: 1,
    target: null,
    changedAtMs: 0,
  } as const
  const change: Change = { path, before: null, after }
  expect(riskOf(change)).toEqual({ kind: want })
})

test('paths that the session should not have changed count as configuration too', () => {
  const areas = ['docs/policy.md', 'rules']
  const asked = ['docs/policy.md', 'rules/a', 'rules', 'rules.md', 'docs']
  expect(asked.filter((path) => isConfiguration(path, areas))).toEqual([
    'docs/policy.md',
    'rules/a',
    'rules',
  ])
})
