import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { type Client, type Ended, start } from './instance.ts'

const CLONE = resolve(import.meta.dirname, '../../../..')
/** Nobody on this machine: known in the copies of /etc alone that its commands see. */
const USER = { name: 'sekisho-it', uid: 61_010 }
const SUBORDINATE = { first: 1_000_000_000, count: 65_536 }

/** Each command in a mount namespace of its own with those copies, and the clone where it can go. */
const AS_USER = `set -eu
dir=$1; shift
for file in passwd group subuid subgid; do mount --bind "$dir/etc/$file" "/etc/$file"; done
mount --bind "$CLONE" "$dir/clone"
cd "$dir/home"
exec setpriv --reuid ${USER.uid} --regid ${USER.uid} --clear-groups -- "$@"`

let directory: string
let env: Record<string, string>
let daemon: Client

const at = (...names: string[]): string => join(directory, ...names)
const asUser = (...command: string[]): Client =>
  start(['unshare', '--mount', 'sh', '-c', AS_USER, 'sh', directory, ...command], { env })
const sekisho = (...args: string[]): Promise<Ended> => {
  const client = asUser(at('clone/packages/sekisho/bin/sekisho'), ...args)
  client.process.stdin?.end()
  return client.ended
}
const startRun = (script: string): Client =>
  asUser(at('clone/packages/sekisho/bin/sekisho'), 'run', '--', 'sh', '-c', script)
const run = (...command: string[]): Promise<Ended> => sekisho('run', '--', ...command)

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-rl-'))
  chmodSync(directory, 0o755)
  for (const name of ['etc', 'clone', 'home', 'run', 'project']) {
    mkdirSync(at(name))
    chownSync(at(name), USER.uid, USER.uid)
  }
  const agents = at('home/.config/sekisho/policy/agents')
  mkdirSync(agents, { recursive: true })
  for (const agent of ['default', 'escaping']) {
    const text = stringify({ version: 1, name: agent, presets: 'none' })
    writeFileSync(join(agents, `${agent}.yaml`), text)
  }
  const { name, uid } = USER
  const lines = {
    passwd: `${name}:x:${uid}:${uid}::${at('home')}:/bin/sh`,
    group: `${name}:x:${uid}:`,
    subuid: `${name}:${SUBORDINATE.first}:${SUBORDINATE.count}`,
    subgid: `${name}:${SUBORDINATE.first}:${SUBORDINATE.count}`,
  }
  for (const [file, line] of Object.entries(lines)) {
    const known = file.startsWith('sub') ? '' : readFileSync(`/etc/${file}`, 'utf8')
    writeFileSync(at('etc', file), `${known}${line}\n`, { mode: 0o644 })
  }
  env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: at('home'),
    XDG_RUNTIME_DIR: at('run'),
    CLONE,
  }
  daemon = asUser(at('clone/packages/sekisho/bin/sekisho'), 'serve', '--until-stdin-closes')
  await daemon.says('ready in')
})
afterAll(async () => {
  daemon.process.stdin?.end()
  const { code } = await daemon.ended
  rmSync(directory, { recursive: true })
  expect(code).toBe(0)
})

const Status = z.looseObject({
  degraded: z.array(z.string()),
  processes: z.record(z.string(), z.int()),
})
const status = async (): Promise<z.infer<typeof Status>> => {
  const { stdout, stderr } = await sekisho('status', '--json')
  expect(stderr).toBe('')
  return Status.parse(JSON.parse(stdout))
}
const namesOf = (degraded: readonly string[]): string[] => [
  ...new Set(degraded.map((line) => line.split(':')[0] ?? '')),
]
/** What an ordinary user's platform lacks on any host; others depend on this one. */
const MISSING = ['rootless', 'tripwires', 'exec-monitor', 'agent-id', 'oom-score'].concat([
  'limits',
  'freeze',
  'disk-limit',
  'log-append-only',
])

const Leaf = z.looseObject({ type: z.string() })
const leaves = async (): Promise<z.infer<typeof Leaf>[]> => {
  const { stdout } = await sekisho('log', 'show', '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => z.looseObject({ leaf: Leaf }).parse(JSON.parse(line)).leaf)
}

describe('an ordinary user’s platform', () => {
  test('says what it lacks, in its status and in every start leaf', async () => {
    expect(await run('true')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const { degraded } = await status()
    expect(namesOf(degraded)).toEqual(expect.arrayContaining(MISSING))
    const starts = (await leaves()).filter(({ type }) => type === 'session.start')
    expect(starts.length).toBeGreaterThan(0)
    const all = degraded.filter((line) => !line.startsWith('agent-id')) // of some sessions alone
    for (const leaf of starts) expect(leaf['degraded']).toEqual(expect.arrayContaining(all))
    for (const leaf of starts) expect(leaf['initiator']).toMatchObject({ uid: USER.uid })
  })

  test('keeps its state where users keep theirs', () => {
    expect(statSync(at('run/sekisho/api.sock')).mode & 0o777).toBe(0o600)
    const keyholder = statSync(at('home/.local/state/sekisho/keyholder'))
    expect({ mode: keyholder.mode & 0o777, isUsers: keyholder.uid === USER.uid }).toEqual({
      mode: 0o700,
      isUsers: false,
    })
  })

  test('has a user for each kind of process, of the user’s own ids', async () => {
    const { supervisor, keyholder, control, 'gate-0': gate } = (await status()).processes
    const [root, ...others] = [supervisor, keyholder, control, gate].map((pid) => uidOf(pid ?? 0))
    expect(root).toBe(USER.uid)
    expect(new Set(others).size).toBe(3)
    for (const uid of others) expect(isSubordinate(uid)).toBe(true)
  })

  test('holds every wall that it does not say it lacks', async () => {
    await run('true')
    const start = (await leaves()).findLast(({ type }) => type === 'session.start')
    const rows = z
      .array(z.object({ control: z.string(), held: z.boolean().nullable(), detail: z.string() }))
      .parse(start?.['attestation'])
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter(({ held }) => held === false)).toEqual([])
    expect(rows.filter(({ held }) => held === null).map(({ control }) => control)).toEqual([
      'tripwire /etc/shadow',
      'tripwire /proc/sys/kernel/core_pattern',
      'cgroup',
      'executable-memory',
    ])
  })
})

describe('a session of an ordinary user', () => {
  test('reaches no network, and each attempt is recorded in a sound log', async () => {
    const script = [
      'exec 2>/dev/null',
      'getent hosts example.com && echo RESOLVED',
      'ask() { (exec 3<>"/dev/tcp/$1/443"; echo x >&3; head -c 1 <&3) | grep . && echo HEARD; }',
      'ask 192.0.2.7',
      'ask 2001:db8::7',
      'echo x >/dev/udp/192.0.2.7/9',
      'echo done',
    ].join('; ')
    expect(await run('bash', '-c', script)).toMatchObject({ stdout: 'done\n' })
    const denied = await sekisho('log', 'show', '--denied')
    for (const what of [
      'resolve example.com',
      '192.0.2.7:443',
      'tcp 2001:db8::7:443',
      'udp 192.0.2.7:9',
    ]) {
      expect(denied.stdout).toContain(what)
    }
    expect(await sekisho('log', 'verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^sound: .* 0 gaps/),
    })
  })

  /** Ranges of ids as the supervisor's user namespace counts, where the user is 0. */
  const rangesOf = async (...flags: string[]): Promise<(number | undefined)[][]> => {
    const { stdout } = await sekisho('run', ...flags, '--', 'cat', '/proc/self/uid_map')
    const lines = stdout.trim().split('\n')
    return lines.map((line) => line.trim().split(/ +/).map(Number))
  }

  test('has ids of its own, and nobody else’s', async () => {
    const [first = [], second = []] = [await rangesOf(), await rangesOf()].flat()
    for (const [inside, outside = 0, count] of [first, second]) {
      expect({ inside, count, isBlock: outside >= 1024 && outside % 1024 === 0 }).toEqual({
        inside: 0,
        count: 1024,
        isBlock: true,
      })
    }
    const start = (await leaves()).findLast(({ type }) => type === 'session.start')
    expect(JSON.stringify(start?.['degraded'])).not.toContain('agent-id')
  })

  test('over the user’s directory has the agent as the user, and says so', async () => {
    const ranges = await rangesOf('--workspace', at('project'))
    expect(ranges.map(([inside, , count]) => [inside, count])).toEqual([
      [0, 1000],
      [1000, 1],
      [1001, 23],
    ])
    expect(ranges[1]?.[1]).toBe(0)
    const start = (await leaves()).findLast(({ type }) => type === 'session.start')
    expect(JSON.stringify(start?.['degraded'])).toContain('agent-id')
  })

  test.each([
    ['read', '/etc/shadow', 'cat /etc/shadow'],
    ['read', 'a key', 'cat /root/.ssh/id_ed25519'],
    ['write', 'core_pattern', 'echo x > /proc/sys/kernel/core_pattern'],
    ['write', 'the log', 'echo x > /var/lib/sekisho/keyholder/log/000000000001.log'],
    ['open up', 'core_pattern', 'chmod 666 /proc/sys/kernel/core_pattern'],
    ['write', 'the root', 'touch /x'],
    ['own', 'the root', '[ -O / ] || [ -O /etc/passwd ]'],
    ['write', 'what the platform shows it', 'touch /.sekisho/session/x'],
    ['signal', 'the user’s processes', `kill -0 ${process.pid}`],
  ])('cannot %s %s', async (_how, _what, command) => {
    for (const flags of [[], ['--workspace', at('project')]]) {
      const script = `${command} 2>/dev/null && echo OPEN`
      const { code, stdout } = await sekisho('run', ...flags, '--', 'sh', '-c', script)
      expect({ flags, isRefused: code !== 0, stdout }).toEqual({
        flags,
        isRefused: true,
        stdout: '',
      })
    }
  })

  test('that tries a way out is frozen, killed and shut out', async () => {
    const escaping = (script: string): Promise<Ended> =>
      sekisho('run', '--agent', 'escaping', '--', 'sh', '-c', script)
    const first = await escaping('unshare -U true; echo OPEN; sleep 60')
    expect(first).toMatchObject({ code: 137, stdout: '' })
    expect(await escaping('true')).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^sekisho: QUARANTINED: .*unshare/),
    })
    const contained = (await leaves()).find(({ type }) => type === 'session.contained')
    expect(contained).toMatchObject({ trigger: { kind: 'syscall', what: 'unshare' } })
  })

  test('changes the user’s files in a layer, which the user applies', async () => {
    writeFileSync(at('project/kept'), 'before\n')
    writeFileSync(at('project/gone'), '')
    for (const name of ['kept', 'gone']) chownSync(at('project', name), USER.uid, USER.uid)
    const script = 'echo after >kept; rm gone; mkdir made; echo x >made/it; touch .claude/x'
    const inside = await sekisho('run', '--workspace', at('project'), '--', 'sh', '-c', script)
    expect(inside.stderr).toMatch(/\.claude\/x.*Read-only file system/)
    expect(readFileSync(at('project/kept'), 'utf8')).toBe('before\n')
    const all = await sekisho('ps', '--all', '--json')
    const { sessions } = z
      .looseObject({ sessions: z.array(z.looseObject({ session: z.string() })) })
      .parse(JSON.parse(all.stdout))
    const id = sessions.at(-1)?.session ?? ''
    expect((await sekisho('diff', id, '--stat')).stdout).toMatch(/kept[^]*made\/it/)
    expect(await sekisho('apply', id)).toMatchObject({ code: 0 })
    expect(readFileSync(at('project/kept'), 'utf8')).toBe('after\n')
    expect(statSync(at('project/made/it')).uid).toBe(USER.uid)
    expect(() => statSync(at('project/gone'))).toThrow('ENOENT')
  })

  test('has no more processes than its limit, and none when it is over', async () => {
    const script = 'setsid sleep 4242.1 & for i in $(seq 600); do sleep 4242.2 & done; echo OPEN'
    const { code, stdout, stderr } = await run('sh', '-c', script)
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Cannot fork'),
    })
    const left = spawnSync('pgrep', ['-f', '^sleep 4242'], { encoding: 'utf8' })
    expect(left.stdout).toBe('')
  })

  test('is stopped whatever it ignores', async () => {
    const ignoring = startRun('trap "" TERM; echo up; while :; do sleep 1; done')
    await ignoring.says('up')
    const { stdout } = await sekisho('ps', '--json')
    const id = /"session":"([^"]+)"/.exec(stdout)?.[1] ?? ''
    expect(await sekisho('stop', id)).toMatchObject({ code: 0 })
    expect((await ignoring.ended).code).toBe(137)
  })

  test('takes the user’s descriptors, and gives the command’s exit code', async () => {
    const client = startRun('cat; echo no >&2; exit 7')
    client.process.stdin?.end('through\n')
    expect(await client.ended).toMatchObject({ code: 7, stdout: 'through\n', stderr: 'no\n' })
  })
})

function uidOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function isSubordinate(uid: number): boolean {
  return uid >= SUBORDINATE.first && uid < SUBORDINATE.first + SUBORDINATE.count
}
