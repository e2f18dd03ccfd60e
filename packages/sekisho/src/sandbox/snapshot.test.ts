import { execFileSync } from 'node:child_process'
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Entry, type SnapshotIndex, snapshotIdOf, writeIndex } from './snapshot-index.ts'
import { restoreSnapshot } from './snapshot-restore.ts'
import { type TakenSnapshot, takeSnapshot } from './snapshot.ts'
import { type TestOverlay, testOverlay } from './testing/overlay.ts'
import { diffWorkspace } from './workspace-diff.ts'

const AGENT = 700_300
let overlay: TestOverlay
let store: string
beforeEach(() => {
  overlay = testOverlay()
  store = join(overlay.root, 'snapshots')
  mkdirSync(store)
})
afterEach(() => overlay.remove())

const about = () => ({
  session: 's-00000000000000000000',
  agent: 'builder',
  workspace: overlay.lower(),
  base: null,
  changesSince: '2026-01-01T00:00:00.000Z',
  takenAt: '2026-01-01T01:00:00.000Z',
})

const take = (areas: readonly string[] = []): Promise<TakenSnapshot> =>
  takeSnapshot({ ...about(), upper: overlay.layers.upper, areas, store })

/** A new session's layer, in place of the old one. */
function freshLayer(): void {
  for (const name of ['upper', 'work']) {
    rmSync(join(overlay.root, name), { recursive: true })
    mkdirSync(join(overlay.root, name))
  }
}

const restore = (id: string, over: { workspace?: string | null; base?: string } = {}) =>
  restoreSnapshot({
    store,
    id,
    upper: overlay.layers.upper,
    owner: AGENT,
    workspace: overlay.lower(),
    base: null,
    ...over,
  })

const paths = (index: SnapshotIndex): string[] =>
  index.entries.map(({ type, path }) => `${type} ${path}`)

/** What the next session sees: types, modes, times, contents. */
function view(): string {
  const { root } = overlay
  overlay.session(`find . ! -name . -printf '%y %p %m %s %l\\n' | sort > ../seen
    find . -type f -printf '%p %T@\\n' | sort >> ../seen
    find . -type f | sort | xargs sha256sum >> ../seen`)
  return readFileSync(join(root, 'seen'), 'utf8')
}

const WORK = `echo 2 > changed; rm gone; rm -r tree; mkdir -p made/deep; echo x > made/deep/f
  rm -r again; mkdir again; echo n > again/new; ln -s ../changed made/link; chmod 751 made
  touch -d @1700000000.123 made/deep/f; touch -d @1600000000 made; cp made/deep/f copy; : > empty`

describe('a snapshot', () => {
  beforeEach(() => {
    overlay.user(`echo 1 > changed; echo 1 > gone; mkdir -p tree/sub again/sub; echo 1 > tree/sub/f
      echo 1 > again/old; echo 1 > again/sub/f; echo kept > kept`)
  })

  test('gives the next session what the last one had, deletions and made-anew directories too', async () => {
    overlay.session(WORK)
    const seen = view()
    const { changes } = await diffWorkspace(overlay.layers)
    const { id, index } = await take()
    freshLayer()
    const restored = await restore(id)
    expect(restored).toEqual(index)
    expect(view()).toBe(seen)
    const types = (list: typeof changes) => list.map(({ path, after }) => [path, after?.type])
    expect(types((await diffWorkspace(overlay.layers)).changes)).toEqual(types(changes))
    const { uid, gid } = statSync(join(overlay.layers.upper, 'made/deep/f'))
    expect([uid, gid, lstatSync(join(overlay.layers.upper, 'made/link')).uid]).toEqual([
      AGENT,
      AGENT,
      AGENT,
    ])
  })

  test('is called by its content, which is kept once, and is root’s alone', async () => {
    overlay.session(WORK)
    const { id, digest, index } = await take()
    expect([id, digest]).toEqual([
      snapshotIdOf(digest),
      await writeIndex(join(store, 'again'), index),
    ])
    rmSync(join(store, 'again'))
    expect(readdirSync(store)).toEqual([id])
    expect(statSync(join(store, id)).mode & 0o777).toBe(0o700)
    // "2", "x" (twice), "n" and nothing
    expect(readdirSync(join(store, id, 'blobs'))).toHaveLength(4)
  })

  test('keeps names with every separator of lines that there is, and more entries than a stretch', async () => {
    overlay.session(String.raw`touch "$(printf 'a\nb')" "$(printf 'c\342\200\250d')" "$(printf 'e\rf')"
      mkdir many; cd many; seq 1000 | xargs touch`)
    const { id, index } = await take()
    expect(index.entries).toHaveLength(1004)
    freshLayer()
    expect(await restore(id)).toEqual(index)
    expect(readdirSync(overlay.layers.upper)).toEqual(
      ['a\nb', 'c\u2028d', 'e\rf', 'many'].toSorted(),
    )
    expect(readdirSync(join(overlay.layers.upper, 'many'))).toHaveLength(1000)
  })

  test('leaves configuration behind and names it: the next session is clean', async () => {
    overlay.user(
      'mkdir -p .claude .git/hooks; echo good > .claude/settings.json; echo good > AGENTS.md; echo good > .git/config',
    )
    overlay.session(`echo evil > .claude/settings.json; rm AGENTS.md; echo evil > .mcp.json
      echo evil > .git/config; echo evil > .git/hooks/pre-commit; echo ref > .git/HEAD
      mkdir -p deep/.vscode vendor/x/.git; echo evil > deep/.vscode/tasks.json; echo code > deep/code
      echo evil > vendor/x/.git/config; echo ref > vendor/x/.git/HEAD; echo evil > .envrc; echo o > own-area`)
    const { id, index } = await take(['own-area'])
    expect(index.leftOut).toEqual([
      '.claude',
      '.envrc',
      '.git/config',
      '.git/hooks',
      '.mcp.json',
      'AGENTS.md',
      'deep/.vscode',
      'own-area',
      'vendor/x/.git/config',
    ])
    expect(paths(index)).toEqual([
      'directory .git',
      'file .git/HEAD',
      'directory deep',
      'file deep/code',
      'directory vendor',
      'directory vendor/x',
      'directory vendor/x/.git',
      'file vendor/x/.git/HEAD',
    ])
    freshLayer()
    await restore(id)
    overlay.session('cat .claude/settings.json AGENTS.md .git/config > ../seen; find . >> ../seen')
    const seen = readFileSync(join(overlay.root, 'seen'), 'utf8')
    expect(seen).toMatch(/^good\ngood\ngood\n/)
    expect(seen).not.toMatch(/evil|\.mcp\.json|pre-commit|\.envrc|\.vscode|own-area/)
  })

  test('drops what could reach further, and says so', async () => {
    overlay.session(`mkfifo p; mknod dev c 1 3; echo h > h; ln h h2; echo s > s; chmod 6755 s
      mkdir sticky; chmod 1777 sticky; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'`)
    const { id, index } = await take()
    expect(index.dropped).toEqual([
      { path: 'dev', reason: 'a device, fifo or socket' },
      { path: 'h', reason: 'a hard link: now a file of its own' },
      { path: 'h2', reason: 'a hard link: now a file of its own' },
      { path: 'p', reason: 'a device, fifo or socket' },
      { path: 's', reason: 'setuid, setgid or sticky: without it now' },
      { path: 'sock', reason: 'a device, fifo or socket' },
      { path: 'sticky', reason: 'setuid, setgid or sticky: without it now' },
    ])
    freshLayer()
    await restore(id)
    const at = (name: string) => lstatSync(join(overlay.layers.upper, name))
    expect(readdirSync(overlay.layers.upper)).toEqual(['h', 'h2', 's', 'sticky'])
    expect([at('h').nlink, at('s').mode & 0o7777, at('sticky').mode & 0o7777]).toEqual([
      1, 0o755, 0o777,
    ])
  })
})

describe('a snapshot that is not what it was', () => {
  const INVALID = { code: 'SNAPSHOT_INVALID' }

  test('is refused for any byte of any file of it, and the layer stays empty', async () => {
    overlay.session('mkdir d; echo one > d/a; echo two > b; ln -s b c')
    const { id } = await take()
    freshLayer()
    const kept = join(overlay.root, 'kept')
    cpSync(join(store, id), kept, { recursive: true })
    const files = execFileSync('find', ['.', '-type', 'f'], { cwd: kept, encoding: 'utf8' })
    const all = files.trim().split('\n')
    expect(all).toHaveLength(3)
    for (const file of all) {
      const bytes = readFileSync(join(kept, file))
      for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 40))) {
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ 1
        writeFileSync(join(store, id, file), flipped)
        await expect(restore(id), `${file} at ${at}`).rejects.toMatchObject(INVALID)
      }
      writeFileSync(join(store, id, file), Buffer.concat([bytes, Buffer.from(' ')]))
      if (file.includes('blobs')) await expect(restore(id)).rejects.toMatchObject(INVALID)
      rmSync(join(store, id, file))
      await expect(restore(id), file).rejects.toMatchObject(INVALID)
      writeFileSync(join(store, id, file), bytes)
    }
    expect(readdirSync(overlay.layers.upper)).toEqual([])
    await restore(id)
    expect(readdirSync(overlay.layers.upper)).toEqual(['b', 'c', 'd'])
  })

  test('is refused when a link stands for one of its files', async () => {
    overlay.session('echo one > a')
    const { id } = await take()
    freshLayer()
    const blobs = join(store, id, 'blobs')
    const [blob = ''] = readdirSync(blobs)
    renameSync(join(blobs, blob), join(overlay.root, 'elsewhere'))
    symlinkSync(join(overlay.root, 'elsewhere'), join(blobs, blob))
    await expect(restore(id)).rejects.toMatchObject(INVALID)
  })

  test.for(['w-0000000000000000000000000000000000000000', '../lower', '', 'w-x'])(
    'is not %j',
    async (id) => {
      await expect(restore(id)).rejects.toMatchObject(INVALID)
    },
  )

  test('is refused over another directory, and over a repository that has moved', async () => {
    overlay.session('echo 1 > a')
    const { id } = await take()
    freshLayer()
    const other = `sha256:${'0'.repeat(64)}`
    await expect(restore(id, { workspace: '/elsewhere' })).rejects.toMatchObject(INVALID)
    await expect(restore(id, { workspace: null })).rejects.toMatchObject(INVALID)
    await expect(restore(id, { base: other })).rejects.toMatchObject(INVALID)
    expect(readdirSync(overlay.layers.upper)).toEqual([])
  })

  /** As somebody who can write the store would forge one, its name fitting its content. */
  async function forge(entries: readonly Entry[]): Promise<string> {
    const index: SnapshotIndex = {
      version: 1,
      ...about(),
      entries: [...entries],
      leftOut: [],
      dropped: [],
    }
    const draft = join(overlay.root, 'forged')
    const id = snapshotIdOf(await writeIndex(draft, index))
    mkdirSync(join(store, id, 'blobs'), { recursive: true })
    renameSync(draft, join(store, id, 'index.jsonl'))
    return id
  }
  const directory = (path: string): Entry => ({
    type: 'directory',
    path,
    mode: 0o755,
    modifiedAt: '0',
    opaque: false,
  })

  test.for([
    ['that climbs', [{ type: 'whiteout', path: '../x' }]],
    ['that is absolute', [{ type: 'whiteout', path: '/tmp/x' }]],
    ['that climbs in the middle', [directory('d'), { type: 'whiteout', path: 'd/../../x' }]],
    ['through a link', [{ type: 'symlink', path: 'l', target: '/tmp' }, directory('l/x')]],
    ['with set-user-id', [{ ...directory('d'), mode: 0o4755 }]],
    ['with configuration', [directory('.claude')]],
    ['with a hook', [directory('.git'), directory('.git/hooks')]],
  ] as const)('is refused with a path %s, also when its name fits', async ([, entries]) => {
    const id = await forge(entries as readonly Entry[])
    await expect(restore(id)).rejects.toThrow()
    expect(readdirSync(overlay.layers.upper)).toEqual([])
  })
})
