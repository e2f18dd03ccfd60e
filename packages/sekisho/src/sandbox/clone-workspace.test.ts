import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { baseOfClone, cloneWorkspace } from './clone-workspace.ts'
import { readCommits, writeBundle } from './commit-bundle.ts'

const OWNER = 70_904
let root: string
let source: string
let into: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sekisho-clone-'))
  source = join(root, 'source')
  into = join(root, 'clone')
  mkdirSync(source)
  git(`git init -q -b main . && mkdir src && echo 1 > src/a && ln -s src/a link && echo x > run
    chmod 755 run; git add . && git commit -qm first && git tag v1 && git branch topic`)
})
afterEach(() => rmSync(root, { recursive: true }))

const ENV = {
  PATH: '/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@x',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@x',
}

function git(script: string, cwd = source): string {
  return execFileSync('sh', ['-ec', script], { cwd, encoding: 'utf8', env: ENV, stdio: 'pipe' })
}

const clone = (): Promise<void> => cloneWorkspace({ workspace: source, into, owner: OWNER })
/** Our own look at a clone, whose owner is another. */
const inClone = (script: string): string =>
  git(`git() { command git -c safe.directory='*' "$@"; }; ${script}`, into)

describe('a clone', () => {
  test('has the commits, branches, tags and files of HEAD, and belongs to its owner', async () => {
    writeFileSync(join(source, 'uncommitted'), 'mine')
    await clone()
    expect(
      inClone('git log --format=%s; git for-each-ref --format="%(refname)"; git status -s'),
    ).toBe('first\nrefs/heads/main\nrefs/heads/topic\nrefs/tags/v1\n')
    expect(readdirSync(into).toSorted()).toEqual(['.git', 'link', 'run', 'src'])
    expect([lstatSync(join(into, 'run')).mode & 0o777, lstatSync(join(into, 'src/a')).uid]).toEqual(
      [0o755, OWNER],
    )
    expect(readdirSync(root).toSorted()).toEqual(['clone', 'source'])
  })

  test('of packed objects, packed references and a detached HEAD is the same', async () => {
    git('git gc -q; git checkout -q --detach; echo 2 > src/a; git commit -qam second')
    await clone()
    expect(inClone('git log --format=%s; git fsck --full; git status -s')).toBe('second\nfirst\n')
  })

  test('of a SHA-256 repository, of a shallow one, of one without commits', async () => {
    for (const make of [
      'git init -q --object-format=sha256 . && echo 1 > a && git add a && git commit -qm only',
      `git clone -q --depth 1 file://${join(root, 'source')} .`,
      'git init -q .',
    ]) {
      const other = join(root, 'other')
      mkdirSync(other)
      git(make, other)
      await cloneWorkspace({ workspace: other, into, owner: OWNER })
      expect(inClone('git fsck --full; git status -s')).toBe('')
      for (const path of [other, into]) rmSync(path, { recursive: true })
    }
  })

  test('is named by its HEAD: another commit or branch is another base, a new tag is not', async () => {
    await clone()
    const first = baseOfClone(into)
    rmSync(into, { recursive: true })
    git('git tag v8; git branch beside')
    await clone()
    expect(baseOfClone(into)).toBe(first)
    for (const change of ['git checkout -q topic', 'echo 3 > src/a; git commit -qam third']) {
      git(`git checkout -q main; ${change}`)
      rmSync(into, { recursive: true })
      await clone()
      expect(baseOfClone(into)).not.toBe(first)
    }
  })
})

describe('a hostile repository', () => {
  /** Each would leave a mark if git obeyed it; the second is how git is made to, to see it work. */
  const TRICKS: readonly [name: string, set: string, spring: string][] = [
    [
      'a hook',
      'echo "touch $MARK" > .git/hooks/post-checkout; chmod 755 .git/hooks/post-checkout',
      'git checkout -q topic',
    ],
    [
      'a directory of hooks',
      'mkdir h; echo "touch $MARK" > h/post-checkout; chmod 755 h/*; git config core.hooksPath "$PWD/h"',
      'git checkout -q topic',
    ],
    [
      'a file system monitor',
      'printf "#!/bin/sh\\ntouch $MARK\\n" > .git/m; chmod 755 .git/m; git config core.fsmonitor "$PWD/.git/m"',
      'git status',
    ],
    [
      'a filter',
      'echo "* filter=evil" > .gitattributes; git add .; git commit -qm x; git config filter.evil.smudge "touch $MARK; cat"; git config filter.evil.required true',
      'rm -f run; git checkout run || true',
    ],
    [
      'a filter process',
      'echo "* filter=evil" > .gitattributes; git add .; git commit -qm x; git config filter.evil.process "touch $MARK"',
      'rm -f run; git checkout run || true',
    ],
    [
      'attributes of its own',
      'mkdir -p .git/info; git config filter.evil.smudge "touch $MARK; cat"; echo "* filter=evil" > .git/info/attributes',
      'rm -f run; git checkout run',
    ],
    [
      'an included file',
      'git config --file .git/evil core.fsmonitor "touch $MARK;:"; git config include.path evil',
      'git status',
    ],
    [
      'a submodule over ext',
      'git config protocol.ext.allow always; git config submodule.x.active true; git config submodule.x.url "ext::sh -c touch% $MARK"; printf "[submodule \\"x\\"]\\n path = x\\n url = ext::sh\\n" > .gitmodules; git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x; git add .gitmodules; git commit -qm sub',
      'git -c protocol.ext.allow=always submodule update --init || true',
    ],
    [
      'a remote over ext',
      'git config remote.origin.url "ext::sh -c touch% $MARK"; git config remote.origin.promisor true; git config extensions.partialClone origin',
      'git -c protocol.ext.allow=always fetch || true',
    ],
    [
      'an alias and a pager',
      'git config alias.reset "!touch $MARK"; git config core.pager "touch $MARK"; git config pager.reset true; git config core.sshCommand "touch $MARK"; git config uploadpack.packObjectsHook "touch $MARK"',
      'touch "$MARK"',
    ],
  ]

  test.for(TRICKS)('runs nothing: %s', async ([, set, spring]) => {
    const mark = join(root, 'mark')
    git(set.replaceAll('$MARK', mark))
    expect(existsSync(mark)).toBe(false)
    await clone()
    expect(existsSync(mark)).toBe(false)
    expect(inClone('git config --list --local | sort')).toBe(
      'core.bare=false\ncore.filemode=true\ncore.logallrefupdates=true\ncore.repositoryformatversion=0\n',
    )
    expect([readdirSync(join(into, '.git/hooks')), readdirSync(join(into, '.git/info'))]).toEqual([
      [],
      [],
    ])
    inClone('git diff --quiet --ignore-submodules HEAD')
    git(spring.replaceAll('$MARK', mark)) // the trap was a real one
    expect(existsSync(mark)).toBe(true)
  })

  test.for([
    ['alternates', 'echo /root/elsewhere/.git/objects > .git/objects/info/alternates'],
    ['a worktree of another', 'echo ../../.git > .git/commondir'],
    ['another store of references', 'mkdir .git/reftable'],
    ['a link for its directory', 'mv .git real; ln -s real .git'],
    ['a file for its directory', 'mv .git real; echo "gitdir: real" > .git'],
    ['a HEAD that climbs', 'echo "ref: refs/heads/../../../evil" > .git/HEAD'],
    ['a link for HEAD', 'mv .git/HEAD .git/H; ln -s H .git/HEAD'],
    ['a link for its objects', 'mv .git/objects o; ln -s ../o .git/objects'],
    ['missing objects', 'rm -r .git/objects/??'],
    ['broken objects', 'for f in .git/objects/??/*; do chmod 644 $f; echo x > $f; done'],
  ])('is refused: %s', async ([, make]) => {
    git(make ?? '')
    await expect(clone()).rejects.toThrow()
    expect(readdirSync(root)).toEqual(['source'])
  })

  test('shows nothing of the rest of the machine through its links', async () => {
    writeFileSync(join(root, 'secret'), 'a secret')
    git(`ln -s ${join(root, 'secret')} .git/refs/heads/evil; ln -s ${root} .git/refs/heads/dir
      ln -s ${join(root, 'secret')} .git/objects/pack/pack-${'0'.repeat(40)}.pack
      ln -s ${join(root, 'secret')} .git/shallow.lock; ln -s ${root} .git/objects/ff || true`)
    await clone().catch(() => undefined)
    expect(
      execFileSync('sh', ['-c', `grep -rl 'a secret' ${into} 2>/dev/null || true`]).toString(),
    ).toBe('')
  })
})

describe('what a session committed', () => {
  const layers = () => ({ clone: into, upper: join(root, 'upper'), directory: root, owner: OWNER })

  /** On a real overlay over the clone, as the session would. */
  function session(script: string): void {
    for (const name of ['upper', 'work', 'merged']) mkdirSync(join(root, name), { recursive: true })
    const mount = `mount -t overlay -o lowerdir=clone,upperdir=upper,workdir=work,redirect_dir=nofollow,index=off overlay merged`
    const inside = `${mount}; cd merged; git() { command git -c safe.directory='*' "$@"; }; ${script}`
    execFileSync('unshare', ['--mount', 'sh', '-ec', inside], {
      cwd: root,
      stdio: 'pipe',
      env: ENV,
    })
  }

  test('is listed, and fetched from a bundle', async () => {
    await clone()
    session(`echo 2 > src/a; git commit -qam second; git checkout -qb feature; echo 3 > src/a
      git commit -qam "third: a"; git tag v2; git gc -q --prune=now; echo dirty > src/a`)
    const commits = await readCommits(layers())
    expect(commits.map(({ author, subject }) => [author, subject])).toEqual([
      ['A', 'third: a'],
      ['A', 'second'],
    ])
    await writeBundle(layers(), join(root, 'bundle'))
    git(`git fetch -q ../bundle 'refs/heads/*:refs/remotes/agent/*'; git fsck --full`)
    expect(git('git log --format=%s agent/feature; git show agent/main:src/a')).toBe(
      'third: a\nsecond\nfirst\n2\n',
    )
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('on no branch is there too', async () => {
    await clone()
    session('git checkout -q --detach; echo 2 > src/a; git commit -qam loose')
    expect((await readCommits(layers())).map(({ subject }) => subject)).toEqual(['loose'])
    await writeBundle(layers(), join(root, 'bundle'))
    git('git fetch -q ../bundle HEAD')
    expect(git('git log -1 --format=%s FETCH_HEAD')).toBe('loose\n')
  })

  test('nothing is nothing, and makes no bundle', async () => {
    await clone()
    session('echo 2 > src/a')
    expect(await readCommits(layers())).toEqual([])
    await expect(writeBundle(layers(), join(root, 'bundle'))).rejects.toMatchObject({
      code: 'WORKSPACE_INVALID',
    })
    expect(existsSync(join(root, 'bundle'))).toBe(false)
  })

  test('runs nothing of the agent’s hooks and configuration', async () => {
    await clone()
    const mark = join(root, 'mark')
    session(`echo 2 > src/a; git commit -qam second; git config core.fsmonitor "touch ${mark};:"
      git config core.pager "touch ${mark}"; git config log.showSignature true
      git config gpg.program /nonexistent; mkdir -p .git/hooks; echo "touch ${mark}" > .git/hooks/post-index-change
      git config alias.log "!touch ${mark}"; git config alias.bundle "!touch ${mark}"; rm -f ${mark}`)
    expect(await readCommits(layers())).toHaveLength(1)
    await writeBundle(layers(), join(root, 'bundle'))
    expect(existsSync(mark)).toBe(false)
    expect(readFileSync(join(root, 'bundle')).subarray(0, 15).toString()).toContain('git bundle')
  })
})
