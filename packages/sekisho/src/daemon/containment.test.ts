import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { LeafInput } from '../wire/leaves.ts'
import type { Attendant, LiveSession } from './attendants/attendant.ts'
import { type Attempt, Containment } from './containment.ts'
import { Quarantine } from './quarantine.ts'

const FIRST = 's-00000000000000000001'
const SECOND = 's-00000000000000000002'
const NOW = new Date('2026-03-01T12:00:00.000Z')
const QUARANTINE = 'q-00000000000000000001'
const EVIDENCE = `${FIRST}-20260301T120000000Z`

let directory = ''
let child: ChildProcess
let did: string[] = []
let leaves: LeafInput[] = []
let warned: string[] = []
let quarantine: Quarantine
let containment: Containment
let logSize: () => Promise<number>
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-containment-'))
  child = spawn('sleep', ['3600'], { cwd: '/', stdio: 'ignore' })
  await once(child, 'spawn')
  did = []
  leaves = []
  warned = []
  logSize = async () => 42
  quarantine = new Quarantine({
    file: join(directory, 'quarantine.json'),
    record: async () => undefined,
    operators: () => [],
    now: () => NOW,
    newId: () => QUARANTINE,
  })
  containment = new Containment({
    quarantine,
    evidence: join(directory, 'evidence'),
    sessions: join(directory, 'sessions'),
    logSize: () => logSize(),
    now: () => NOW,
    warn: (line) => void warned.push(line),
  })
})
afterEach(() => {
  child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

const digest = (character: string): string => `sha256:${character.repeat(64)}`
const attempt = (fields: Partial<Attempt> = {}): Attempt => ({
  kind: 'syscall',
  what: 'mount',
  names: ['mount'],
  pid: child.pid ?? 0,
  command: 'sleep',
  args: ['0x1'],
  atMs: performance.now(),
  ...fields,
})

type Faults = { freeze?: () => Promise<void>; record?: (leaf: LeafInput) => Promise<void> }
type Rows = Partial<Pick<LiveSession['plan'], 'agent' | 'configuration' | 'containment'>>

/** A session with one real process, whose cgroup writes down what is done to it. */
function begin(session: string, rows: Rows = {}, faults: Faults = {}): Attendant {
  const { containment: policy, ...names } = rows
  const changes = join(directory, 'changes', session)
  const scratch = join(directory, 'scratch', session)
  for (const path of [changes, scratch]) mkdirSync(path, { recursive: true })
  const procs = join(directory, `${session}.procs`)
  writeFileSync(procs, `${child.pid}\n`)
  const fields = {
    plan: {
      session,
      agent: 'coder',
      configuration: digest('a'),
      rootfs: { kind: 'host' },
      secrets: [
        {
          binding: { name: 'key' },
          from: { kind: 'env', variable: 'PRIVATE_NAME' },
          variable: 'KEY',
        },
      ],
      environment: { TOKEN: 'a value that may be secret' },
      containment: policy ?? { onEscape: 'contain', tolerated: ['ptrace', 'socket:netlink-diag'] },
      ...names,
    },
    cgroup: {
      joinPaths: [procs],
      freeze: () => {
        did.push(`${session} freeze`)
        return faults.freeze?.() ?? Promise.resolve()
      },
      kill: () => void did.push(`${session} kill`),
    },
    initPid: child.pid,
    firstLeaf: 7,
    places: { changes, scratch },
    stop: (reason: string) => void did.push(`${session} stop ${reason}`),
    record: async (leaf: LeafInput) => {
      await faults.record?.(leaf)
      leaves.push(LeafInput.parse(leaf))
    },
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part that is looked at
  return containment.attend(fields as unknown as LiveSession)
}

const changed = (...path: string[]): string => join(directory, 'changes', FIRST, ...path)
const kept = (name: string): string =>
  readFileSync(join(directory, 'evidence', EVIDENCE, name), 'utf8')
const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`

describe('an attempt to escape', () => {
  test('freezes before it is answered, and the session is over before anything of it is copied', async () => {
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    expect(did).toEqual([`${FIRST} freeze`])
    expect(
      quarantine.refuse({ agent: 'coder', configuration: digest('b'), rootfs: { kind: 'host' } })
        ?.code,
    ).toBe('QUARANTINED')
    await attendant.end()
    expect(did).toEqual([`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`])
  })

  test('leaves two leaves: who is shut out, and what was done with what evidence', async () => {
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    expect(await attendant.end()).toEqual({ 'containment.tolerated': 0 })
    expect(leaves).toEqual([
      {
        type: 'quarantine.set',
        id: QUARANTINE,
        agent: 'coder',
        configuration: digest('a'),
        image: null,
        session: FIRST,
        reason: `it called mount in session ${FIRST}`,
      },
      {
        type: 'session.contained',
        session: FIRST,
        trigger: { kind: 'syscall', what: 'mount', pid: child.pid },
        evidence: {
          name: EVIDENCE,
          digest: sha256(kept('index.json')),
          processes: 1,
          firstLeaf: 7,
          lastLeaf: 41,
          failures: [],
        },
        quarantine: QUARANTINE,
        frozenAfterMs: expect.any(Number),
      },
    ])
    expect(warned).toEqual([])
  })

  test('keeps what ran, what it tried, what it was and what it changed, for root alone', async () => {
    const attendant = begin(FIRST)
    mkdirSync(changed('src'))
    writeFileSync(changed('src/evil.sh'), 'mount\n', { mode: 0o755 })
    symlinkSync('/etc/shadow', changed('link'))
    writeFileSync(join(directory, 'scratch', FIRST, 'payload'), 'x')
    containment.attempted(FIRST, attempt())
    await attendant.end()
    const root = join(directory, 'evidence', EVIDENCE)
    expect(readdirSync(root).toSorted()).toEqual([
      'changes',
      'changes.json',
      'index.json',
      'log.json',
      'plan.json',
      'processes.json',
      'scratch',
      'scratch.json',
      'trigger.json',
    ])
    expect(statSync(root).mode & 0o777).toBe(0o700)
    const { processes, ...rest } = JSON.parse(kept('processes.json'))
    expect(rest).toEqual({ omitted: 0, isFrozen: true })
    expect(processes).toEqual([
      expect.objectContaining({
        pid: child.pid,
        exe: expect.stringMatching(/sleep$/),
        cwd: '/',
        cmdline: 'sleep\u00003600\u0000',
        status: expect.stringContaining('PPid:'),
        maps: expect.stringContaining('[stack]'),
        descriptors: expect.objectContaining({ 0: '/dev/null', 2: '/dev/null' }),
      }),
    ])
    const evil = createHash('sha256').update('mount\n').digest('hex')
    const { changes, incomplete } = JSON.parse(kept('changes.json'))
    expect(incomplete).toBeNull()
    expect(
      changes.toSorted((a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)),
    ).toEqual([
      expect.objectContaining({
        path: 'link',
        kind: 'symlink',
        target: '/etc/shadow',
        sha256: null,
      }),
      expect.objectContaining({ path: 'src', kind: 'directory' }),
      expect.objectContaining({
        path: 'src/evil.sh',
        kind: 'file',
        mode: 0o755,
        bytes: 6,
        sha256: `sha256:${evil}`,
      }),
    ])
    expect(readdirSync(join(root, 'changes'))).toEqual([evil])
    expect(kept(`changes/${evil}`)).toBe('mount\n')
    expect(JSON.parse(kept('scratch.json')).changes).toEqual([
      expect.objectContaining({ path: 'payload', sha256: sha256('x') }),
    ])
    const plan = kept('plan.json')
    expect(JSON.parse(plan)).toMatchObject({
      agent: 'coder',
      environment: ['TOKEN'],
      secrets: [{ binding: { name: 'key' } }],
    })
    expect(plan).not.toMatch(/a value that may be secret|PRIVATE_NAME/)
  })

  test('is indexed with the digest of each file', async () => {
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    await attendant.end()
    const { files, ...about } = JSON.parse(kept('index.json'))
    expect(about).toEqual({
      version: 1,
      session: FIRST,
      at: NOW.toISOString(),
      quarantine: QUARANTINE,
      failures: [],
    })
    expect(files).toEqual(
      [
        'changes.json',
        'log.json',
        'plan.json',
        'processes.json',
        'scratch.json',
        'trigger.json',
      ].map((name) => ({
        name,
        bytes: Buffer.byteLength(kept(name)),
        sha256: sha256(kept(name)),
      })),
    )
  })

  test('keeps the image of the changes by a second name, where there is one', async () => {
    mkdirSync(join(directory, 'sessions', FIRST), { recursive: true })
    const image = join(directory, 'sessions', FIRST, 'disk.img')
    writeFileSync(image, 'ext4')
    const attendant = begin(FIRST)
    writeFileSync(changed('file'), 'x')
    containment.attempted(FIRST, attempt())
    await attendant.end()
    rmSync(image)
    expect(kept('disk.img')).toBe('ext4')
    const { files } = JSON.parse(kept('index.json'))
    expect(files).toContainEqual({ name: 'disk.img', bytes: 4, sha256: null })
    expect(JSON.parse(kept('changes.json')).changes).toEqual([
      expect.objectContaining({ path: 'file', sha256: sha256('x') }),
    ])
    expect(readdirSync(join(directory, 'evidence', EVIDENCE))).not.toContain('changes')
  })

  test('happens once, however often it is tried', async () => {
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    containment.attempted(FIRST, attempt({ what: 'bpf', names: ['bpf'] }))
    await attendant.end()
    expect(did).toEqual([`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`])
    expect(leaves).toHaveLength(2)
  })

  test('by an opened tripwire is the same', async () => {
    const attendant = begin(FIRST)
    containment.attempted(
      FIRST,
      attempt({ kind: 'tripwire', what: '/etc/shadow', names: ['/etc/shadow'] }),
    )
    await attendant.end()
    expect(leaves.map(({ type }) => type)).toEqual(['quarantine.set', 'session.contained'])
    expect(leaves[0]).toMatchObject({ reason: `it opened /etc/shadow in session ${FIRST}` })
  })
})

describe('what else runs', () => {
  test('another session of the agent is stopped at once; another agent goes on', async () => {
    const attendants = [
      begin(FIRST),
      begin(SECOND),
      begin('s-00000000000000000003', { agent: 'other', configuration: digest('c') }),
    ]
    containment.attempted(FIRST, attempt())
    await Promise.all(attendants.map((attendant) => attendant.end()))
    expect(did.toSorted()).toEqual([
      `${FIRST} freeze`,
      `${FIRST} kill`,
      `${FIRST} stop contained`,
      `${SECOND} freeze`,
      `${SECOND} kill`,
      `${SECOND} stop contained`,
    ])
  })

  test('a session that was starting when its agent was shut out does not begin', async () => {
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    expect(() => begin(SECOND)).toThrow(expect.objectContaining({ code: 'QUARANTINED' }))
    await attendant.end()
  })

  test.for([
    ['a call that the agent file tolerates', ['ptrace'], 'contain'],
    ['one kind of socket that it tolerates', ['socket', 'socket:netlink-diag'], 'contain'],
    ['anything, where attempts are only recorded', ['mount'], 'record'],
  ] as const)('%s is denied, and that is all', async ([, names, onEscape]) => {
    const tolerated = ['ptrace', 'socket:netlink-diag']
    const attendant = begin(FIRST, { containment: { onEscape, tolerated } })
    containment.attempted(FIRST, attempt({ names }))
    expect(await attendant.end()).toEqual({ 'containment.tolerated': 1 })
    expect([did, leaves]).toEqual([[], []])
  })

  test('another kind of socket than the tolerated one is an escape', async () => {
    const attendant = begin(FIRST)
    containment.attempted(
      FIRST,
      attempt({ what: 'socket:packet', names: ['socket', 'socket:packet'] }),
    )
    await attendant.end()
    expect(leaves).toHaveLength(2)
  })

  test('a session that has ended is left alone', async () => {
    await begin(FIRST).end()
    containment.attempted(FIRST, attempt())
    expect(did).toEqual([])
  })
})

describe('nothing puts the kill off', () => {
  const killed = [`${FIRST} freeze`, `${FIRST} stop contained`, `${FIRST} kill`]

  test('a cgroup that does not freeze: nothing is read that needs its memory', async () => {
    const attendant = begin(FIRST, {}, { freeze: () => new Promise(() => undefined) })
    const startedMs = performance.now()
    containment.attempted(FIRST, attempt())
    await attendant.end()
    expect(performance.now() - startedMs).toBeLessThan(1000)
    expect(did).toEqual(killed)
    const { processes, isFrozen } = JSON.parse(kept('processes.json'))
    expect(isFrozen).toBe(false)
    expect(processes).toEqual([
      expect.objectContaining({ pid: child.pid, cmdline: null, maps: null }),
    ])
  })

  test('a cgroup that cannot be frozen', async () => {
    const attendant = begin(FIRST, {}, { freeze: () => Promise.reject(new Error('no such file')) })
    containment.attempted(FIRST, attempt())
    await attendant.end()
    expect(did).toEqual(killed)
  })

  test('evidence that cannot be kept: the leaf says so', async () => {
    writeFileSync(join(directory, 'evidence'), 'a file in the way')
    const attendant = begin(FIRST)
    containment.attempted(FIRST, attempt())
    await attendant.end()
    expect(did).toEqual(killed)
    expect(leaves.at(-1)).toMatchObject({
      type: 'session.contained',
      evidence: {
        processes: 1,
        failures: [
          expect.stringMatching(/^evidence directory: EEXIST|^evidence directory: ENOTDIR/),
          expect.stringMatching(/^trigger.json: ENOTDIR/),
          expect.stringMatching(/^plan.json: ENOTDIR/),
          expect.stringMatching(/^processes.json: ENOTDIR/),
          expect.stringMatching(/^log.json: ENOTDIR/),
          expect.stringMatching(/^changes.json: ENOTDIR/),
          expect.stringMatching(/^scratch.json: ENOTDIR/),
          expect.stringMatching(/^index.json: ENOTDIR/),
        ],
      },
    })
  })

  test('a keyholder that is gone: it is killed and shut out, and the operator is told', async () => {
    logSize = () => Promise.reject(new SekishoError('PEER_UNAVAILABLE', 'keyholder is not there'))
    const gone = (): Promise<void> => Promise.reject(new Error('gone'))
    const attendant = begin(FIRST, {}, { record: gone })
    containment.attempted(FIRST, attempt())
    await attendant.end()
    expect(did).toEqual(killed)
    expect(quarantine.list().entries).toHaveLength(1)
    expect(warned).toEqual([
      `quarantine.set of ${FIRST} is not in the log: Error: gone`,
      `session.contained of ${FIRST} is not in the log: Error: gone`,
    ])
    expect(JSON.parse(kept('index.json')).failures).toEqual(['log range: keyholder is not there'])
  })
})
