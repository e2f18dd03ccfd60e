import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type Instance, openInstance, processesOf, run, start, startRun } from './instance.ts'
import { isGone, sandboxProcesses } from './traces.ts'

const READY_BERTHS = 3
const MOUNTED = {
  version: 1,
  name: 'mounted',
  presets: 'none',
  mounts: [{ source: '/usr/share/doc', target: '/opt/docs' }],
}

let instance: Instance
beforeAll(async () => {
  instance = await openInstance({
    agents: { mounted: MOUNTED },
    settings: { readyBerths: READY_BERTHS },
  })
})
afterAll(async () => instance?.close())

const supervisor = async (): Promise<number> => (await processesOf(instance))['supervisor'] ?? 0

/** The berths that stand, with the host pid of each one's init. */
async function berths(): Promise<Map<string, number>> {
  const directory = `/proc/${await supervisor()}/root/run/sekisho-box/s`
  const entries = readdirSync(directory).map((name): [string, number] => {
    return [name, Number(readOr(join(directory, name, 'pid'), '0'))]
  })
  return new Map(entries.filter(([, pid]) => pid > 0 && !isGone(pid)))
}

/** All that are to wait do, and nothing else is there. */
async function allReady(): Promise<Map<string, number>> {
  await expect.poll(async () => (await berths()).size).toBe(READY_BERTHS)
  return berths()
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise // being made, or gone
  }
}

/** What a command finds when it begins, in sections. */
const LOOK = `
  say() { echo "## $1"; }
  say session; echo "$SEKISHO_SESSION"
  say environment; env | sort
  say mounts; cat /proc/self/mountinfo
  say descriptors; ls -1 /proc/$$/fd
  say ids; id; cat /proc/self/loginuid; umask
  say status; grep -E "^(Groups|Cap|NoNew|Seccomp|Sig[BI]|Cpus_allowed_list|Threads|NStgid)" /proc/self/status
  say limits; cat /proc/self/limits; cat /proc/self/oom_score_adj
  say cgroup; cat /proc/self/cgroup
  say processes; cat /proc/[0-9]*/comm
  say devices; ls -l /dev | tr -s " " | cut -d " " -f 1,3,4,10
  say places; stat -c "%n %a %u:%g %F" / /* /home/agent /.sekisho/* /dev/shm; pwd
  say network; ip -o addr | tr -s " " | cut -d " " -f 2,3,4; ip route; hostname
`

type Picture = { session: string; sections: Record<string, string[]> }

function pictureOf(said: string): Picture {
  const sections = said
    .replaceAll('\r', '')
    .split('## ')
    .slice(1)
    .map((text): [string, string[]] => {
      const [name = '', ...lines] = text.trimEnd().split('\n')
      return [name, lines]
    })
  const { session, mounts = [], end: _, ...others } = Object.fromEntries(sections)
  const id = session?.[0] ?? ''
  const alike = (line: string): string => line.replaceAll(id, 'SESSION')
  return {
    session: id,
    sections: {
      ...Object.fromEntries(
        Object.entries(others).map(([name, lines]) => [name, lines.map(alike)]),
      ),
      mounts: mounts.map(mountOf).toSorted(),
    },
  }
}

/** proc(5), without the numbers of mounts, devices, ids and berths. */
function mountOf(line: string): string {
  const [before = '', after = ''] = line.split(' - ')
  const [, , , root = '', at = '', options = ''] = before.split(' ')
  const numbered = /(berth-|disk-|mount-|loop|uid=|gid=|self\/fd\/)\d+/g
  return [at, root, options, after].join(' ').replaceAll(numbered, '$1N')
}

const sh = ['sh', '-c', LOOK]

const Start = z.object({
  leaf: z.looseObject({
    type: z.literal('session.start'),
    attestation: z.array(
      z.object({ control: z.string(), held: z.boolean().nullable(), detail: z.string() }),
    ),
  }),
})
type Attested = z.infer<typeof Start>['leaf']['attestation']

async function attestationOf(at: Instance, session: string): Promise<Attested> {
  const { stdout } = await at.sekisho('log', 'show', '--session', session, '--json')
  return Start.parse(JSON.parse(stdout.split('\n')[0] ?? '')).leaf.attestation
}

describe('whether its sandbox waited or not, a session finds the same', () => {
  type Usual = { usual: Picture; walls: Attested }
  let looking: Promise<Usual> | undefined

  /** Of a session whose sandbox was there before it. */
  async function look(): Promise<Usual> {
    const before = await allReady()
    const client = startRun(instance, ['sh', '-c', `${LOOK}\necho "## end"; read end`])
    await client.says('## end')
    const left = [...(await berths()).keys()].filter((name) => before.has(name))
    expect(left).toHaveLength(READY_BERTHS) // its own, and no new one
    client.process.stdin?.end()
    const usual = pictureOf((await client.ended).stdout)
    return { usual, walls: await attestationOf(instance, usual.session) }
  }
  const seen = (): Promise<Usual> => (looking ??= look())

  test('all that it was to hold holds', async () => {
    const { walls } = await seen()
    expect(walls.filter(({ held }) => held !== true)).toEqual([])
    expect(walls.length).toBeGreaterThan(20)
  })

  test('more at once than wait', async () => {
    const { usual, walls } = await seen()
    await allReady()
    const ends = await Promise.all(
      Array.from({ length: 2 * READY_BERTHS + 1 }, () => run(instance, sh)),
    )
    const pictures = ends.map(({ stdout }) => pictureOf(stdout))
    for (const { session, sections } of pictures) {
      expect(sections).toEqual(usual.sections)
      expect(await attestationOf(instance, session)).toEqual(walls)
    }
    expect(new Set(pictures.map(({ session }) => session)).size).toBe(ends.length)
  })

  test('one with mounts of its agent file', async () => {
    const { usual, walls } = await seen()
    const { stdout } = await run(instance, sh, { flags: ['--agent', 'mounted'] })
    const { session, sections } = pictureOf(stdout)
    const added = (sections['mounts'] ?? []).filter((line) => line.startsWith('/opt/docs '))
    expect(added).toHaveLength(1)
    // and the place that it is mounted in
    expect(without(/^\/opt(\/docs)? /, sections)).toEqual(without(/^\/opt /, usual.sections))
    expect(await attestationOf(instance, session)).toEqual(walls)
  })

  test('one on a terminal, but for the terminal', async () => {
    const { usual, walls } = await seen()
    const command = `script -qec '"$SEKISHO_LAUNCHER" run -- sh -c "$LOOK"' /dev/null`
    const env = { ...instance.env, LOOK, TERM: 'xterm' }
    const { stdout } = await start(['bash', '-c', command], { env }).ended
    const { session, sections } = pictureOf(stdout)
    expect(sections['environment']).toContain('TERM=xterm')
    const terminal = /^TERM=|console/
    expect(without(terminal, sections)).toEqual(without(terminal, usual.sections))
    expect(await attestationOf(instance, session)).toEqual(walls)
  })
})

function without(pattern: RegExp, sections: Picture['sections']): Picture['sections'] {
  return Object.fromEntries(
    Object.entries(sections).map(([name, lines]) => [
      name,
      lines.filter((line) => !pattern.test(line)),
    ]),
  )
}

test('sessions that start at once share no berth, network, ids or disk', async () => {
  const script = `echo "$(cat /proc/self/uid_map)|$(readlink /proc/self/ns/net)|$(stat -c %d /workspace)"
    echo ready; read end; true`
  const clients = Array.from({ length: 10 }, () => startRun(instance, ['sh', '-c', script]))
  await Promise.all(clients.map(async (client) => client.says('ready')))
  const told = clients.map((client) => (client.said().split('\n')[0] ?? '').split('|'))
  const distinct = [0, 1, 2].map((i) => new Set(told.map((one) => one[i]?.trim())).size)
  const berthsOfIds = berthsByIds()
  const own = told.map(([map = '']) => [
    ...(berthsOfIds.get(Number(map.trim().split(/\s+/)[1])) ?? []),
  ])
  expect({ distinct, own: own.map((names) => names.length) }).toEqual({
    distinct: [10, 10, 10],
    own: own.map(() => 1),
  })
  expect(new Set(own.flat()).size).toBe(10)
  for (const client of clients) client.process.stdin?.end()
  const ends = await Promise.all(clients.map(({ ended }) => ended))
  expect(ends.map(({ code }) => code)).toEqual(clients.map(() => 0))
})

/** Of all sandboxes' processes: the first host id of their block, and the berths they are in. */
function berthsByIds(): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>()
  for (const pid of sandboxProcesses(instance.home)) {
    const uid = Number(/^Uid:\t(\d+)/m.exec(readOr(`/proc/${pid}/status`, ''))?.[1] ?? 0)
    const berth = /\/(berth-\d+)/.exec(readOr(`/proc/${pid}/cgroup`, ''))?.[1]
    if (uid < 0x7000_0000 || berth === undefined) continue
    const base = uid - (uid % 65_536)
    found.set(base, (found.get(base) ?? new Set()).add(berth))
  }
  return found
}

describe('a sandbox that dies while it waits', () => {
  const victims: [name: string, of: (init: number) => number][] = [
    ['its init is killed', (init) => init],
    ['its runtime is killed', (init) => parentOf(init)],
    ['its shell is killed', (init) => childOf(init)],
  ]
  test.each(victims)('%s: it is replaced, and no session is lost', async (_name, of) => {
    const before = await allReady()
    for (const init of before.values()) process.kill(of(init), 'SIGKILL')
    const ends = await Promise.all(
      Array.from({ length: READY_BERTHS + 1 }, () => run(instance, ['echo', 'ran'])),
    )
    expect(ends).toEqual(ends.map(() => ({ code: 0, signal: null, stdout: 'ran\n', stderr: '' })))
    const after = await allReady()
    expect([...after.keys()].filter((name) => before.has(name))).toEqual([])
  })

  test('without any session coming, too', async () => {
    const before = await allReady()
    for (const init of before.values()) process.kill(init, 'SIGKILL')
    await expect
      .poll(async () => [...(await berths()).keys()].filter((name) => !before.has(name)).length)
      .toBe(READY_BERTHS)
    expect(await run(instance, ['true'])).toMatchObject({ code: 0 })
  })
})

function parentOf(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`, '')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function childOf(pid: number): number {
  const child = sandboxProcesses(instance.home).find((one) => parentOf(one) === pid)
  if (child === undefined) throw new Error(`${pid} has no child`)
  return child
}
