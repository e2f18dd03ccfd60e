import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  attachTree,
  bindIdmapped,
  cloneTree,
  MOUNT_FLAGS,
  mount,
  mountOverlay,
  unmount,
} from './mounts.ts'
import { listOpen } from './open-descriptors.ts'
import { openUserNamespace } from './user-namespace.ts'

/** Who owns the workspace on disk, and who the session is. */
const USER = 41_234
const SESSION = 700_123
let userNamespaceFd = 0
let root = ''
const mounted: string[] = []

beforeAll(async () => {
  const map = [{ inside: USER, outside: SESSION, count: 1 }]
  userNamespaceFd = await openUserNamespace({ uid: map, gid: map })
})
afterAll(() => closeSync(userNamespaceFd))
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mounts,with:odd names-'))
  execFileSync('chmod', ['755', root])
  for (const name of ['workspace', 'shown', 'upper', 'work', 'merged']) mkdirSync(join(root, name))
  sh(`cd workspace && mkdir -p src empty && echo 'int main;' > src/main.c && echo old > notes &&
    echo gone > deleted && echo keep > kept && ln -s notes link && chmod 600 notes && chmod 700 src`)
  sh(
    `chown -hR ${USER}:${USER} workspace && touch -hd @1700000000 workspace/* && echo r > workspace/roots`,
  )
  sh(`chown ${SESSION}:${SESSION} upper`)
})
afterEach(() => {
  for (const target of mounted.splice(0).toReversed()) unmount(target)
  rmSync(root, { recursive: true })
})

function sh(script: string): string {
  return execFileSync('sh', ['-ec', script], { cwd: root, encoding: 'utf8' })
}

/** As the session: its uid, a user namespace of its own, no capability over ours. */
function inSession(script: string): { status: number | null; output: string } {
  const identity = [`--reuid=${SESSION}`, `--regid=${SESSION}`, '--clear-groups', '--no-new-privs']
  const enter = [
    'unshare',
    '--user',
    '--map-current-user',
    '--',
    'sh',
    '-ec',
    `exec 2>&1; ${script}`,
  ]
  const { status, stdout } = spawnSync('setpriv', [...identity, '--', ...enter], {
    cwd: join(root, 'merged'),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  })
  return { status, output: stdout }
}

/** Every byte, owner, mode and time; not the access times. */
function snapshot(directory: string): string {
  return sh(`cd ${directory} && find . -printf '%p %y %U %G %m %T@ %s %l\\n' | sort &&
    find . -type f | sort | xargs sha256sum`)
}

function isMounted(target: string): boolean {
  return spawnSync('mountpoint', ['-q', target]).status === 0
}

function track(target: string, act: () => void): void {
  act()
  mounted.push(target)
}

function showMapped(readOnly = true): string {
  const target = join(root, 'shown')
  const source = join(root, 'workspace')
  track(target, () => bindIdmapped({ source, target, userNamespaceFd, readOnly }))
  return target
}

function overlayOn(lower: string): void {
  const target = join(root, 'merged')
  track(target, () =>
    mountOverlay({
      lower: [lower],
      upper: join(root, 'upper'),
      work: join(root, 'work'),
      target,
      options: ['metacopy=off', 'xino=off'],
      flags: MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices,
    }),
  )
}

const EDIT = `echo new > notes; echo more >> src/main.c; rm deleted; echo fresh > created
  mv kept moved; mkdir made; chmod 640 notes; rmdir empty; ln -sf created link`

test('a session edits, creates and deletes as the owner, and the user’s files stay as they are', () => {
  const before = snapshot('workspace')
  overlayOn(showMapped())
  expect(
    inSession(`${EDIT}; cat notes src/main.c created moved; ls -A; stat -c '%u %a' notes src`),
  ).toEqual({
    status: 0,
    output: [
      'new\nint main;\nmore\nfresh\nkeep',
      'created\nlink\nmade\nmoved\nnotes\nroots\nsrc',
      `${SESSION} 640\n${SESSION} 700\n`,
    ].join('\n'),
  })
  expect(snapshot('workspace')).toBe(before)
  expect(sh(`find upper -mindepth 1 -printf '%P %y %U %m\\n' | sort`)).toBe(
    [
      `created f ${SESSION} 644`,
      `deleted c 0 0`,
      `empty c 0 0`,
      `kept c 0 0`,
      `link l ${SESSION} 777`,
      `made d ${SESSION} 755`,
      `moved f ${SESSION} 644`,
      `notes f ${SESSION} 640`,
      `src d ${SESSION} 700`,
      `src/main.c f ${SESSION} 644`,
      '',
    ].join('\n'),
  )
})

test('the lower bind can be unmounted once the overlay stands', () => {
  overlayOn(showMapped())
  unmount(join(root, 'shown'))
  mounted.shift()
  expect(inSession('cat notes; echo new > notes; cat notes')).toEqual({
    status: 0,
    output: 'old\nnew\n',
  })
})

test('without the mapping the session may not touch what the user owns', () => {
  overlayOn(join(root, 'workspace'))
  expect(inSession('cat notes').output).toContain('notes: Permission denied')
  expect(inSession('echo x > notes').output).toContain('notes: Permission denied')
  expect(inSession('echo x > src/created').output).toContain('src/created: Permission denied')
})

test('a file whose owner has no mapping can be read and not edited', () => {
  overlayOn(showMapped())
  expect(inSession('cat roots; stat -c %u roots')).toEqual({ status: 0, output: 'r\n65534\n' })
  expect(inSession('echo x >> roots').status).not.toBe(0)
  expect(readFileSync(join(root, 'workspace', 'roots'), 'utf8')).toBe('r\n')
})

test.for([
  { readOnly: true, answer: 'Read-only file system', kept: 'old\n' },
  { readOnly: false, answer: '', kept: 'direct\n' },
])('a mapped bind with readOnly $readOnly', ({ readOnly, answer, kept }) => {
  const shown = showMapped(readOnly)
  expect(statSync(join(shown, 'notes')).uid).toBe(SESSION)
  const { output } = inSession(`echo direct > '${shown}/notes'`)
  expect(output).toContain(answer)
  expect(readFileSync(join(root, 'workspace', 'notes'), 'utf8')).toBe(kept)
  expect(statSync(join(root, 'workspace', 'notes')).uid).toBe(USER)
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toMatch(
    new RegExp(`shown r${readOnly ? 'o' : 'w'},nosuid,nodev,`),
  )
})

test('what is mounted inside the workspace does not come along', () => {
  const nested = join(root, 'workspace', 'src')
  track(nested, () =>
    mount({ source: 'tmpfs', target: nested, type: 'tmpfs', flags: 0, options: 'size=64k' }),
  )
  writeFileSync(join(nested, 'secret'), '')
  expect(existsSync(join(showMapped(), 'src', 'secret'))).toBe(false)
  expect(existsSync(join(root, 'shown', 'src', 'main.c'))).toBe(true)
})

test('a file system that cannot map owners is named, with a hint', () => {
  const target = join(root, 'shown')
  const bind = { source: '/proc', target, userNamespaceFd, readOnly: true }
  expect(() => track(target, () => bindIdmapped(bind))).toThrow(
    expect.objectContaining({
      code: 'HOST_UNSUPPORTED',
      message: 'the owners in /proc cannot be mapped',
      hint: 'Put the workspace on ext4, xfs, btrfs or tmpfs, with Linux 5.19 or newer.',
    }),
  )
  expect(isMounted(target)).toBe(false)
})

test('a detached copy is seen by nobody until it is attached', () => {
  const target = join(root, 'shown')
  const tree = cloneTree(join(root, 'workspace'))
  expect(existsSync(join(target, 'notes'))).toBe(false)
  track(target, () => attachTree(tree, target))
  closeSync(tree)
  expect(readFileSync(join(target, 'notes'), 'utf8')).toBe('old\n')
})

test('several lower layers stack in order', () => {
  mkdirSync(join(root, 'over:it, all'))
  writeFileSync(join(root, 'over:it, all', 'kept'), 'covered\n')
  const target = join(root, 'merged')
  track(target, () =>
    mountOverlay({
      lower: [join(root, 'over:it, all'), join(root, 'workspace')],
      upper: join(root, 'upper'),
      work: join(root, 'work'),
      target,
    }),
  )
  expect(sh('cat merged/kept merged/notes')).toBe('covered\nold\n')
})

test.for(['lowerdir=/etc', 'upperdir=x', 'xino=off,lowerdir=/etc', 'userxattr,', ''])(
  'the overlay option %o is refused',
  (option) => {
    const layers = { lower: [root], upper: root, work: root, target: join(root, 'merged') }
    expect(() => mountOverlay({ ...layers, options: [option] })).toThrow(
      'cannot be an overlay option',
    )
  },
)

test('more layers than an option page holds are refused, and none stays open', () => {
  const lower = Array.from({ length: 250 }, () => root)
  const layers = { lower, upper: root, work: root, target: join(root, 'merged') }
  expect(() => mountOverlay(layers)).toThrow('an overlay of 250 layers')
  expect(listOpen(root)).toEqual([])
})

test('unmount follows no symbolic link, which a session could have made', () => {
  showMapped()
  symlinkSync(join(root, 'shown'), join(root, 'link'))
  expect(() => unmount(join(root, 'link'))).toThrow('umount2: EINVAL')
  expect(isMounted(join(root, 'shown'))).toBe(true)
})

test('a failed call names itself and the errno', () => {
  expect(() => unmount(root)).toThrow('umount2: EINVAL')
  expect(() => cloneTree('/nowhere')).toThrow('open_tree: ENOENT')
})
