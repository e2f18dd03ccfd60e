import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type Client,
  type Ended,
  environmentOf,
  LAUNCHER,
  QUOTED_LAUNCHER,
  run,
  start,
  startRun,
} from './instance.ts'

/** Room for a few sessions. */
const DISK = '160m'
/** Whichever is met first: room for the session's record, its disk, its leaf. */
const NO_LOG =
  /^sekisho: LOG_UNWRITABLE: the log could not be written( a moment ago)?\nhint: free space on the disk of the state directory and see that it is writable\n$/
const NO_SPACE =
  /^sekisho: SANDBOX_FAILED: no space for a session's disk: \d+ MiB free below \S+, of which \d+ MiB are kept for the log\nhint: remove old sessions with `sekisho rm --all-ended`, or free space\n$/
const READY_BERTHS = 4
const NO_FILE =
  /^sekisho: SANDBOX_FAILED: no space is left for a session\nhint: free space on the disk of the state directory\n$/

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-full-'))
})
afterAll(async () => rm(directory, { recursive: true, force: true }))

function homeAt(name: string): string {
  const home = join(directory, name)
  mkdirSync(join(home, 'policy/agents'), { recursive: true })
  mkdirSync(join(home, 'state'))
  writeFileSync(join(home, 'policy/agents/default.yaml'), 'version: 1\nname: default\n')
  return home
}

/** A shell script where the home's state lies on a small disk that nobody else sees. */
function onSmallDisk(home: string, script: string, size = DISK): Client {
  const mount = `mount -t tmpfs -o size=${size} tmpfs ${join(home, 'state')}`
  const command = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c'] as const
  return start([...command, `${mount} && ${script}`], { env: environmentOf(home) })
}

test('while the disk is full runs are refused; afterwards all is as before and nothing is lost', async () => {
  const home = homeAt('running')
  const instance = { env: environmentOf(home) }
  const daemon = onSmallDisk(home, `echo $$; exec ${QUOTED_LAUNCHER} serve --until-stdin-closes`)
  await daemon.says('ready in')
  const inside = (path: string): string =>
    join(`/proc/${daemon.said().split('\n')[0]}/root`, home, path)
  const sekisho = (...args: string[]): Promise<Ended> => {
    const pid = daemon.said().split('\n')[0] ?? ''
    return start(['nsenter', '--mount', '--target', pid, LAUNCHER, ...args], instance).ended
  }
  const script =
    'echo "$SEKISHO_SESSION ready"; while read p; do "$p" && echo ran || echo "$?"; done'
  const longer = startRun(instance, ['sh', '-c', script])
  await longer.says(' ready\n')
  const session = longer.said().split(' ')[0] ?? ''
  /** What comes of starting one more program in it. */
  const next = async (): Promise<string | undefined> => {
    const before = longer.said().length
    longer.process.stdin?.write('/usr/bin/true\n')
    await expect.poll(() => longer.said().length).toBeGreaterThan(before)
    return longer.said().slice(before)
  }
  expect(await run(instance, ['true'])).toMatchObject({ code: 0 })
  expect(await next()).toBe('ran\n')

  for (const [name, bytes] of [
    ['big', 1024 * 1024],
    ['small', 4096],
  ] as const) {
    expect(() => {
      for (let i = 0; ; i++) writeFileSync(inside(`state/filler-${name}-${i}`), Buffer.alloc(bytes))
    }).toThrow('ENOSPC')
  }
  await expect.poll(next).toBe('126\n') // what is not recorded is not started
  const refusals: Ended[] = []
  for (let i = 0; i < 2 * READY_BERTHS; i++) refusals.push(await run(instance, ['echo', 'ran']))
  const clear = [NO_LOG, NO_SPACE, NO_FILE]
  const unclear = refusals.filter(({ stderr }) => !clear.some((text) => text.test(stderr)))
  const ran = refusals.filter((end) => end.code !== 125 || end.stdout !== '')
  expect({ unclear, ran }).toEqual({ unclear: [], ran: [] })

  for (const name of readdirSync(inside('state'))) {
    if (name.startsWith('filler-')) rmSync(inside(`state/${name}`))
  }
  await expect.poll(next).toBe('ran\n')
  await expect.poll(async () => (await run(instance, ['echo', 'ran'])).stdout).toBe('ran\n')
  const supervisor = Status.parse(JSON.parse((await sekisho('status', '--json')).stdout)).processes
  const berths = (): string[] =>
    readdirSync(`/proc/${supervisor.supervisor}/root/run/sekisho-box/s`)
  await expect.poll(() => berths().length).toBe(READY_BERTHS + 1)
  longer.process.stdin?.end()
  expect((await longer.ended).code).toBe(0)
  const count = async (type: string): Promise<number> =>
    (await sekisho('log', 'show', '--json')).stdout.split(`"type":"${type}"`).length - 1
  const starts = await count('session.start')
  await expect.poll(() => count('session.end')).toBe(starts)
  const shown = await sekisho('log', 'show', '--session', session)
  expect(shown.stdout).toContain('session ends: exit, exit code 0')
  expect(await sekisho('log', 'verify')).toMatchObject({ code: 0, stderr: '' })
  daemon.process.stdin?.end()
  const { code, stderr } = await daemon.ended
  const told = stderr.split('\n').filter((line) => line.includes('ahead of'))
  expect({ code, told }).toEqual({
    code: 0,
    told: [
      expect.stringMatching(/no sandbox can be made ahead of its session: no space for a session/),
      expect.stringMatching(/sandboxes are made ahead of their sessions again/),
    ],
  })
})

const Status = z.looseObject({ processes: z.looseObject({ supervisor: z.int() }) })

test('a disk too small for any session: said once at the start, and to each who asks', async () => {
  const home = homeAt('small')
  const serve = `exec ${QUOTED_LAUNCHER} serve --until-stdin-closes`
  const daemon = onSmallDisk(home, serve, '6m')
  await daemon.says('ready in')
  for (let i = 0; i < 3; i++) {
    const { code, stderr } = await run({ env: environmentOf(home) }, ['echo', 'ran'])
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringMatching(NO_SPACE) })
  }
  daemon.process.stdin?.end()
  const { code, stderr } = await daemon.ended
  expect({ code, said: stderr.split('\n') }).toEqual({
    code: 0,
    said: [expect.stringContaining('no sandbox can be made ahead of its session: no space'), ''],
  })
})

test('a daemon that cannot write its log does not start, and starts once it can', async () => {
  const home = homeAt('starting')
  const serve = `${QUOTED_LAUNCHER} serve --until-stdin-closes < /dev/null > /dev/null`
  const filler = join(home, 'state/filler')
  const script = [
    `${serve}; echo "first $?"`,
    `dd if=/dev/zero of=${filler} bs=64k status=none 2>/dev/null`,
    `${serve} 2> ${home}/said; echo "full $?"`,
    `rm ${filler}; ${serve}; echo "freed $?"; ${QUOTED_LAUNCHER} log verify > /dev/null; echo "verified $?"`,
    `cat ${home}/said`,
  ].join('; ')
  const { stdout, stderr } = await onSmallDisk(home, script).ended
  const [first, full, freed, verified, ...said] = stdout.split('\n')
  expect({ results: [first, full, freed, verified], stderr }).toEqual({
    results: ['first 0', 'full 5', 'freed 0', 'verified 0'],
    stderr: '',
  })
  expect(said[0]).toMatch(/^sekisho: LOG_UNWRITABLE: /)
  expect(said.filter((line) => line.startsWith('hint: '))).toHaveLength(1)
})

test('the very first start on a full disk says so, makes nothing, and works once there is space', async () => {
  const home = homeAt('first')
  const serve = `${QUOTED_LAUNCHER} serve --until-stdin-closes < /dev/null > /dev/null`
  const filler = join(home, 'state/filler')
  const script = [
    `dd if=/dev/zero of=${filler} bs=64k status=none 2>/dev/null`,
    `${serve} 2> ${home}/said; echo "full $?"`,
    `rm ${filler}; ${serve}; echo "freed $?"; ${QUOTED_LAUNCHER} log verify > /dev/null; echo "verified $?"`,
    `cat ${home}/said`,
  ].join('; ')
  const { stdout, stderr } = await onSmallDisk(home, script).ended
  const [full, freed, verified, ...said] = stdout.split('\n')
  expect({ results: [full, freed, verified], stderr }).toEqual({
    results: ['full 5', 'freed 0', 'verified 0'],
    stderr: '',
  })
  expect(said[0]).toMatch(/^sekisho: LOG_UNWRITABLE: /)
  expect(said.filter((line) => line.startsWith('hint: '))).toHaveLength(1)
})
