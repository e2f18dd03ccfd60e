import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  type DiskBench,
  asAgent,
  AGENT,
  diskBench,
  loopsBelow,
  SMALL,
  untilItEnds,
} from './testing/disks.ts'

let bench: DiskBench | undefined
afterEach(async () => {
  const root = bench?.root
  await bench?.close()
  bench = undefined
  if (root !== undefined) expect(loopsBelow(root)).toEqual([])
})

function use(options: Parameters<typeof diskBench>[0] = {}): DiskBench {
  bench = diskBench(options)
  return bench
}

const BIG = { bytes: 64 * 2 ** 20, inodes: 200 }
const backingOf = (name: string): string => {
  const path = `/sys/block/${name}/loop/backing_file`
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
const FILL = 'cat /dev/zero > fill'
/** at once: an overlay takes such a piece as a whole or not at all */
const CAT_WRITES = 128 * 1024
const FILL_INODES = 'i=0; while : > f$i; do i=$((i+1)); done'
const allocated = (path: string): number => statSync(path).blocks * 512

test('a disk is the agent’s, empty, and exactly as large as was asked for', async () => {
  const { open, disk, warnings } = use()
  const disks = await open()
  const { upper, usage } = await disk(disks, 's')
  const { uid, gid, mode } = statSync(upper)
  expect([uid, gid, mode & 0o7777, readdirSync(upper)]).toEqual([AGENT, AGENT, 0o755, []])
  expect(usage()).toEqual({
    bytes: 0,
    inodes: 0,
    bytesFree: SMALL.bytes,
    inodesFree: SMALL.inodes,
  })
  expect([disks.degraded, warnings]).toEqual([[], []])
})

test.for([
  { name: 'the upper layer itself', through: 'layer' },
  { name: 'an overlay', through: 'overlay' },
])('an agent that fills its disk through $name gets ENOSPC at the limit', async ({ through }) => {
  const { open, disk, overlay, sessions } = use()
  const disks = await open()
  const [filled, neighbour] = [await disk(disks, 'filled'), await disk(disks, 'neighbour')]
  asAgent(neighbour.upper, 'echo mine > mine')
  await neighbour.settle()
  const before = readFileSync(join(sessions, 'neighbour/disk.img'))
  const where = through === 'overlay' ? overlay(filled, 'filled') : filled.upper
  expect(asAgent(where, FILL).said).toMatch(/No space left on device/)
  const { size } = statSync(join(where, 'fill'))
  expect(size).toBeLessThanOrEqual(SMALL.bytes)
  expect(size).toBeGreaterThan(SMALL.bytes - CAT_WRITES - 4 * 4096)
  expect(filled.usage()?.bytesFree).toBeLessThan(CAT_WRITES)
  expect(await filled.settle()).toEqual({ ioErrors: 0, heldBack: 0 })
  const image = join(sessions, 'filled/disk.img')
  expect(allocated(image)).toBeLessThan(SMALL.bytes + 512 * 1024)
  expect(readFileSync(join(sessions, 'neighbour/disk.img')).equals(before)).toBe(true)
  expect(asAgent(neighbour.upper, 'echo more >> mine && cat mine').said).toBe('mine\nmore\n')
})

test.for(['layer', 'overlay'])(
  'an agent that makes files without contents through the %s gets ENOSPC at the limit',
  async (through) => {
    const { open, disk, overlay } = use()
    const disks = await open()
    const [filled, neighbour] = [await disk(disks, 'filled'), await disk(disks, 'neighbour')]
    const where = through === 'overlay' ? overlay(filled, 'filled') : filled.upper
    // an overlay has a work directory of its own
    const made = through === 'overlay' ? SMALL.inodes - 1 : SMALL.inodes
    const { said } = asAgent(where, FILL_INODES)
    expect(said).toBe(`sh: 1: cannot create f${made}: No space left on device\n`)
    expect(filled.usage()).toMatchObject({ inodes: SMALL.inodes, inodesFree: 0 })
    expect(asAgent(neighbour.upper, ': > f && echo made').said).toBe('made\n')
  },
)

test('root inside cannot have more either: nothing is reserved for it', async () => {
  const { open, disk } = use()
  const { upper } = await disk(await open(), 's')
  expect(() => {
    for (let i = 0; ; i++) writeFileSync(join(upper, `f${i}`), Buffer.alloc(64 * 1024))
  }).toThrow('ENOSPC')
})

test('a session that writes much has a short queue, and one that does not has none of its own', async () => {
  const { open, disk, root } = use()
  const disks = await open()
  const requests = (): number[] =>
    readdirSync('/sys/block')
      .filter((name) => backingOf(name).includes(root))
      .map((name) => readFileSync(`/sys/block/${name}/queue/nr_requests`, 'utf8'))
      .map(Number)
      .toSorted((a, b) => a - b)
  const [quiet, loud] = [await disk(disks, 'quiet'), await disk(disks, 'loud', BIG)]
  asAgent(quiet.upper, 'echo little > little')
  asAgent(loud.upper, 'head -c 40M /dev/zero > much')
  await expect.poll(requests).toEqual([4, 128])
  await loud.close()
})

test('what is deleted can be written again', async () => {
  const { open, disk } = use()
  const { upper, usage } = await disk(await open(), 's')
  asAgent(upper, `${FILL}; rm fill; echo 1 > kept`)
  expect(asAgent(upper, 'head -c 3145728 /dev/zero > again && echo done').said).toBe('done\n')
  expect(usage()).toMatchObject({ bytes: 3 * 2 ** 20 + 4096, inodes: 2 })
})

test('what was deleted does not stay on the host with what is kept', async () => {
  const { open, disk, sessions } = use()
  const size = { bytes: 16 * 2 ** 20, inodes: 100 }
  const { upper, settle, close } = await disk(await open(), 's', size)
  asAgent(upper, 'head -c 12582912 /dev/zero > gone && sync -f gone && rm gone && echo 1 > kept')
  const image = join(sessions, 's/disk.img')
  expect(allocated(image)).toBeGreaterThan(12 * 2 ** 20)
  expect(await settle()).toEqual({ ioErrors: 0, heldBack: 0 })
  await close()
  // of which 2 MiB are set aside for small files
  expect(allocated(image)).toBeLessThan(3 * 2 ** 20)
})

test('neither a set-user-id bit nor a device counts on it', async () => {
  const { open, disk, root } = use()
  const { upper } = await disk(await open(), 's')
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((candidate) => candidate.includes(join(root, 'mounts')))
  expect(line).toContain(' rw,nosuid,nodev,')
  expect(upper.startsWith(join(root, 'mounts'))).toBe(true)
})

test('a session that changed nothing leaves nothing; one that did leaves its image alone', async () => {
  const { open, disk, root, sessions } = use()
  const disks = await open()
  const [idle, busy] = [await disk(disks, 'idle'), await disk(disks, 'busy')]
  writeFileSync(join(busy.upper, 'file'), 'x')
  expect([idle.isChanged(), busy.isChanged()]).toEqual([false, true])
  for (const each of [idle, busy, busy]) await each.close()
  expect(readdirSync(join(sessions, 'idle'))).toEqual([])
  expect(readdirSync(join(sessions, 'busy'))).toEqual(['disk.img'])
  expect(readdirSync(join(root, 'mounts'))).toEqual([])
})

test('a disk that no session takes leaves nothing', async () => {
  const { open, root, sessions } = use()
  const disks = await open()
  const ready = await disks.prepare({ size: SMALL, agentUid: AGENT })
  expect(loopsBelow(sessions)).toHaveLength(1)
  expect(readdirSync(sessions)).toEqual([])
  await ready.drop()
  expect([readdirSync(sessions), readdirSync(join(root, 'mounts'))]).toEqual([[], []])
})

test('a disk that finds no place in its session’s directory leaves nothing', async () => {
  const { open, disk, sessions } = use()
  const disks = await open()
  const first = await disk(disks, 's')
  writeFileSync(join(first.upper, 'mine'), '')
  const ready = await disks.prepare({ size: SMALL, agentUid: AGENT })
  expect(() => ready.place(join(sessions, 's'))).toThrow('EEXIST')
  await expect.poll(() => loopsBelow(sessions).length).toBe(1)
  expect(readdirSync(first.upper)).toEqual(['mine'])
})

test('wherever a process runs out of descriptors, it has a whole disk or nothing of it', async () => {
  const { open, sessions, root } = use()
  const disks = await open()
  const outcomes = new Set<string>()
  for (let spare = 1; spare <= 8; spare++) {
    const release = leaveDescriptors(spare)
    const prepared = await disks.prepare({ size: SMALL, agentUid: AGENT }).catch(String)
    release()
    outcomes.add(typeof prepared === 'string' ? prepared.replace(/,.*|^Sek.*: /g, '') : 'prepared')
    if (typeof prepared !== 'string') await prepared.drop()
    expect([loopsBelow(sessions), readdirSync(join(root, 'mounts'))]).toEqual([[], []])
  }
  expect(outcomes).toContain('prepared')
  expect([...outcomes].filter((outcome) => outcome.includes('EMFILE')).length).toBeGreaterThan(0)
})

/** Lets this process open only so many files more. */
function leaveDescriptors(spare: number): () => void {
  const limitTo = (count: string): void => {
    execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${count}:`])
  }
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? ''
  limitTo(`${Math.max(...readdirSync('/proc/self/fd').map(Number)) + 64}`)
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    for (const fd of taken.splice(0, spare)) closeSync(fd)
  }
  return () => {
    for (const fd of taken) closeSync(fd)
    limitTo(soft)
  }
}

test('disks of other sizes are made anew', async () => {
  const { open, disk } = use()
  const disks = await open()
  const size = { bytes: 8 * 2 ** 20, inodes: 50_000 }
  const [large, usual] = [await disk(disks, 'large', size), await disk(disks, 'usual')]
  expect(large.usage()).toMatchObject({ bytesFree: size.bytes, inodesFree: size.inodes })
  expect(usual.usage()).toMatchObject({ bytesFree: SMALL.bytes, inodesFree: SMALL.inodes })
})

test('a disk for which the host has no room is refused, with what to do', async () => {
  const { open, sessions } = use({ hostBytes: 32 * 2 ** 20 })
  const disks = await open({ marginBytes: 30 * 2 ** 20 })
  await expect(disks.prepare({ size: SMALL, agentUid: AGENT })).rejects.toMatchObject({
    code: 'SANDBOX_FAILED',
    message: `no space for a session's disk: 32 MiB free below ${sessions}, of which 30 MiB are kept for the log`,
    hint: 'remove old sessions with `sekisho rm --all-ended`, or free space',
  })
  expect(disks.degraded).toEqual([])
})

const HOST = 192 * 2 ** 20
const MARGIN = 48 * 2 ** 20
const LARGE = { bytes: 2 ** 30, inodes: 1000 }
/** Slow enough for a look ten times a second, and without an end. */
const TRICKLE = 'while dd if=/dev/zero of=fill bs=64k count=1 oflag=append conv=notrunc; do :; done'

test('two agents that fill the host together get ENOSPC in time, and go on when there is room', async () => {
  const { open, disk, sessions, warnings } = use({ hostBytes: HOST })
  const disks = await open({ marginBytes: MARGIN })
  const filler = join(sessions, 'somebody-else')
  const [one, two] = [await disk(disks, 'one', LARGE), await disk(disks, 'two', LARGE)]
  const greedy = [one, two]
  writeFileSync(filler, Buffer.alloc(116 * 2 ** 20))
  await Promise.all(greedy.map(({ upper }) => untilItEnds(upper, TRICKLE)))
  const { bavail, bsize } = statfsSync(sessions)
  expect(bavail * bsize).toBeGreaterThan(MARGIN / 2)
  for (const { usage } of greedy) expect(usage()).toMatchObject({ bytesFree: 0 })
  expect(asAgent(one.upper, 'head -c 9 /dev/zero > more').said).toMatch(/No space left on device/)
  expect(warnings).toEqual([
    `${sessions} is nearly full: sessions' disks take no more until there is space`,
  ])
  writeFileSync(filler, '')
  await expect.poll(() => greedy.every(({ usage }) => (usage()?.bytesFree ?? 0) > 0)).toBe(true)
  expect(asAgent(one.upper, 'echo more > more && cat more').said).toBe('more\n')
  for (const each of greedy) expect(await each.settle()).toEqual({ ioErrors: 0, heldBack: 1 })
})

test('what the host could not take after all is counted', async () => {
  const { open, disk, sessions } = use({ hostBytes: 72 * 2 ** 20 })
  const { upper, settle } = await disk(await open({ marginBytes: 0 }), 's', LARGE)
  writeFileSync(join(sessions, 'somebody-else'), Buffer.alloc(64 * 2 ** 20))
  // more than there is, within one look of the guard
  expect(asAgent(upper, 'head -c 67108864 /dev/zero > fill').status).toBe(0)
  const { ioErrors = 0 } = await settle()
  expect(ioErrors).toBeGreaterThan(0)
})

const IN_A_USER_NAMESPACE = `
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { openDisks } from '${join(import.meta.dirname, 'disks.ts')}'
const directory = process.argv[1]
const warnings = []
const size = { bytes: 4194304, inodes: 200 }
const disks = await openDisks({
  directory, mounts: directory + '/mounts', usual: size, marginBytes: 0, warn: (line) => warnings.push(line),
})
const take = async (name) => {
  mkdirSync(directory + '/' + name)
  return (await disks.prepare({ size, agentUid: 0 })).place(directory + '/' + name)
}
const [idle, busy] = [await take('idle'), await take('busy')]
writeFileSync(busy.upper + '/mine', 'mine')
const { upper, work } = busy
console.log(JSON.stringify({
  degraded: disks.degraded, warnings, upper, work, usage: busy.usage(), settled: await busy.settle(),
  changed: [idle.isChanged(), busy.isChanged()],
  closed: [await idle.close(), await busy.close(), await busy.close()].length,
  files: [readdirSync(directory + '/idle'), readdirSync(directory + '/busy')],
}))
`

test('without a right to loop devices there are plain directories, and it is said', () => {
  const { sessions } = use()
  const argv = ['--user', '--map-root-user', process.execPath, '--input-type=module']
  const said = execFileSync('unshare', [...argv, '-e', IN_A_USER_NAMESPACE, sessions], {
    encoding: 'utf8',
  })
  expect(JSON.parse(said)).toEqual({
    degraded: ['disk-limit'],
    warnings: [expect.stringMatching(/^sessions' disks are not limited: .*EPERM/)],
    upper: join(sessions, 'busy/upper'),
    work: join(sessions, 'busy/work'),
    usage: null,
    settled: {},
    changed: [false, true],
    closed: 3,
    files: [[], ['upper']],
  })
})
