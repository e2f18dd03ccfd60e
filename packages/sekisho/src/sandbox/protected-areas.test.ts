import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attachTree, cloneTree, mountOverlay, unmount } from '../kernel/mounts.ts'
import { libc } from '../kernel/libc.ts'
import { makeEmptyAreas, type ProtectedAreas, protectWorkspace } from './protected-areas.ts'
import { applyWorkspace } from './workspace-apply.ts'
import { diffWorkspace } from './workspace-diff.ts'

const AGENT = 700_124
const READ_ONLY =
  '.claude .codex .mcp.json AGENTS.md CLAUDE.md .git/config .git/hooks .envrc sub/policy'.split(' ')
let root: string
let protectedAreas: ProtectedAreas

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sekisho-protected-'))
  execFileSync('chmod', ['755', root])
  for (const name of ['lower', 'upper', 'work', 'merged', 'shown']) mkdirSync(join(root, name))
  sh(`cd lower && mkdir -p .git/hooks .claude/skills sub/policy src outside
    echo config > .git/config; echo hook > .git/hooks/pre-commit; echo HEAD > .git/HEAD
    echo settings > .claude/settings.json; echo rules > CLAUDE.md; ln -s CLAUDE.md AGENTS.md
    echo p > sub/policy/p; echo code > src/code; ln -s src .envrc; chmod -R u+w .`)
  sh(`chown -hR ${AGENT}:${AGENT} lower upper`)
})
afterEach(() => {
  for (const name of ['shown', 'merged']) unmount(join(root, name))
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(root)
  rmSync(root, { recursive: true })
})

function sh(script: string): string {
  return execFileSync('sh', ['-ec', script], { cwd: root, encoding: 'utf8' })
}

/** As the supervisor does it: the overlay, the covers, and one recursive bind for the session. */
function open(readOnly: readonly string[] = READ_ONLY): void {
  const at = (name: string): string => join(root, name)
  const more = makeEmptyAreas({ lower: at('lower'), readOnly, into: at('empty') })
  mountOverlay({
    lower: more ? [at('empty'), at('lower')] : [at('lower')],
    upper: at('upper'),
    work: at('work'),
    target: at('merged'),
    options: ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off'],
  })
  protectedAreas = protectWorkspace({ workspace: at('merged'), readOnly })
  const tree = cloneTree(at('merged'), { recursive: true })
  attachTree(tree, at('shown'))
  libc.close(tree)
}

/** As the agent: its uid, no capability, a user and a mount namespace of its own. */
function inSession(script: string): { failed: boolean; said: string } {
  const identity = [`--reuid=${AGENT}`, `--regid=${AGENT}`, '--clear-groups', '--no-new-privs']
  const enter = ['unshare', '--user', '--map-current-user', '--mount', '--', 'bash', '-c']
  const { status, stdout } = spawnSync(
    'setpriv',
    [...identity, '--', ...enter, `exec 2>&1; set -e; cd ${join(root, 'shown')}; ${script}`],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', ROOT: root } },
  )
  return { failed: status !== 0, said: stdout }
}

const contents = (directory: string): string =>
  sh(
    `cd ${directory} && find . -printf '%p %y %m %s %l\\n' | sort && find . -type f | sort | xargs sha256sum`,
  )

const SEEN = '.git/config .git/hooks .claude CLAUDE.md sub/policy'
const seen = (): string =>
  sh(`cd shown && for p in ${SEEN}; do find $p -type f -print -exec cat {} +; done`)

test('what is there is protected, an absent agent directory too; the rest is named', () => {
  open()
  expect(protectedAreas).toEqual({
    protected: ['.claude', '.codex', 'CLAUDE.md', '.git/config', '.git/hooks', 'sub/policy'],
    open: ['.mcp.json', 'AGENTS.md', '.envrc'],
  })
})

test('no link of the tree and no path out of it leads to a cover elsewhere', () => {
  sh(`mkdir outside; echo 1 > outside/f; ln -s "$PWD/outside" lower/away; ln -s ../outside lower/up
    ln -s src lower/near; chown -h ${AGENT} lower/*`)
  const paths = ['away/f', 'up/f', 'near/code', '../outside/f', join(root, 'outside/f'), 'src']
  open(paths)
  expect(protectedAreas).toEqual({ protected: ['src'], open: paths.slice(0, -1) })
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(join(root, 'outside'))
  sh('echo 2 > outside/f')
})

test('nothing of it shows in the upper layer, and the session does its work beside it', async () => {
  open()
  const done = inSession(
    'cat .codex/* .claude/settings.json; echo 2 > src/code; echo 1 > .git/index',
  )
  expect(done.said).toContain('settings')
  expect(inSession('echo 2 > src/code; echo 1 > .git/index; ls -A')).toEqual({
    failed: false,
    said: '.claude\n.codex\n.envrc\n.git\nAGENTS.md\nCLAUDE.md\noutside\nsrc\nsub\n',
  })
  const { changes } = await diffWorkspace({
    lower: join(root, 'lower'),
    upper: join(root, 'upper'),
  })
  expect(changes.map(({ path }) => path)).toEqual(['.git/index', 'src/code'])
})

/** Each leaves the protected content as it is; `says` is what the kernel answers. */
const ATTACKS: readonly [name: string, script: string, says: RegExp][] = [
  ['write', 'echo evil > CLAUDE.md', /Read-only file system/],
  ['append', 'echo evil >> .git/config', /Read-only file system/],
  ['truncate', 'truncate -s 0 .git/hooks/pre-commit', /Read-only file system/],
  ['create in a protected directory', 'echo evil > .git/hooks/post-checkout', /Read-only/],
  ['create in an absent area', 'echo evil > .codex/config.toml', /Read-only/],
  ['remove an absent area', 'rmdir .codex', /busy/],
  ['replace an absent area', 'mv .codex x', /busy/],
  ['chmod', 'chmod 777 .claude/settings.json', /Read-only/],
  ['change of times', 'touch .claude/settings.json', /Read-only/],
  ['attribute', 'python3 -c \'import os; os.setxattr("CLAUDE.md", "user.x", b"1")\'', /Read-only/],
  ['unlink', 'rm -f CLAUDE.md', /busy/],
  ['unlink below', 'rm -rf .claude', /Read-only|busy/],
  ['rename away', 'mv .git/hooks .git/was', /busy/],
  ['rename over', 'echo evil > evil; mv -f evil .git/config', /busy/],
  ['rename of the parent', 'mv .git x', /Read-only|busy/],
  ['removal of the parent', 'rm -rf sub', /Read-only|busy/],
  ['exchange', exchangeOf('.git/config', 'src/code'), /busy/],
  ['hard link to it', 'ln .git/config src/link', /cross-device/],
  ['symbolic link in its place', 'ln -sfn /tmp/evil .git/hooks', /Read-only|busy|cannot/],
  ['directory replaced by a link', 'rm -rf .claude && ln -s /tmp .claude', /Read-only|busy/],
  ['through a link', 'ln -s .git alias; echo evil > alias/config', /Read-only/],
  ['through a descriptor', 'exec 3<.git/config; echo evil > /proc/self/fd/3', /Read-only/],
  [
    'through the root of another process',
    'echo evil > /proc/self/root/$PWD/CLAUDE.md',
    /Read-only/,
  ],
  [
    'bind of a descriptor',
    'echo e > e; exec 3<e; mount --bind /proc/self/fd/3 CLAUDE.md',
    /permi|must be superuser/,
  ],
  ['unmount', 'umount CLAUDE.md', /permi|must be superuser|not permitted/],
  ['remount', 'mount -o remount,rw,bind .claude', /permi|must be superuser/],
  ['O_TMPFILE and linkat', nameless('.git/hooks'), /Read-only/],
  ['O_TMPFILE elsewhere, linked in', nameless('src', '.git/hooks/evil'), /cross-device|Read-only/],
]

function exchangeOf(a: string, b: string): string {
  return `python3 -c 'import ctypes; l=ctypes.CDLL(None, use_errno=True); r=l.renameat2(-100, b"${a}", -100, b"${b}", 2); import os; print(os.strerror(ctypes.get_errno())); raise SystemExit(r and 1)'`
}

function nameless(directory: string, to = `${directory}/evil`): string {
  return `python3 -c 'import os; f=os.open("${directory}", os.O_TMPFILE|os.O_WRONLY, 0o755); os.write(f, b"evil"); import ctypes; l=ctypes.CDLL(None, use_errno=True); r=l.linkat(-100, b"/proc/self/fd/%d" % f, -100, b"${to}", 0x400); print(os.strerror(ctypes.get_errno())); raise SystemExit(r and 1)'`
}

test.for(ATTACKS)('an attack fails: %s', ([, script, says]) => {
  open()
  const before = { user: contents('lower'), seen: seen() }
  const { failed, said } = inSession(script)
  expect({ failed, said }).toEqual({ failed: true, said: expect.stringMatching(says) })
  expect({ user: contents('lower'), seen: seen() }).toEqual(before)
})

/** Those need a privilege that no session has, covers or not. */
const PRIVILEGED = ['bind of a descriptor', 'unmount', 'remount']

test.for(ATTACKS.filter(([name]) => !PRIVILEGED.includes(name)))(
  'without the covers it gets through: %s',
  ([, script]) => {
    open([])
    expect(inSession(`mkdir .codex; ${script}`)).toMatchObject({ failed: false })
  },
)

test('what the agent does around an area is listed apart by apply, and not taken', async () => {
  open()
  const around = inSession(`echo '{}' > .mcp.json; rm AGENTS.md; echo evil > AGENTS.md
    mkdir -p deep/.claude; echo evil > deep/.claude/settings.json; echo 2 > src/code`)
  expect(around).toEqual({ failed: false, said: '' })
  const layers = { lower: join(root, 'lower'), upper: join(root, 'upper') }
  const options = { areas: [], paths: null, includeConfig: false, force: false }
  const result = await applyWorkspace({ ...layers, startedAtMs: Date.now() + 1000, ...options })
  expect(result).toMatchObject({
    applied: ['deep', 'src/code'],
    config: ['.mcp.json', 'AGENTS.md', 'deep/.claude', 'deep/.claude/settings.json'],
    conflicts: [],
    refused: [],
  })
  expect(readdirSync(join(root, 'lower/deep'))).toEqual([])
})
