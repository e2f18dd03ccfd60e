import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

const DISK = '6m'
const NO_LOG =
  /^sekisho: LOG_UNWRITABLE: the log could not be written( a moment ago)?\nhint: free space on the disk of the state directory and see that it is writable\n$/
const NO_SPACE =
  /^sekisho: SANDBOX_FAILED: no space is left for a session\n(cause: .*\n)?hint: free space on the disk of the state directory\n$/

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
function onSmallDisk(home: string, script: string): Client {
  const mount = `mount -t tmpfs -o size=${DISK} tmpfs ${join(home, 'state')}`
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
  const longer = startRun(instance, ['sh', '-c', 'echo "$SEKISHO_SESSION ready"; cat'])
  await longer.says(' ready')
  const session = longer.said().split(' ')[0] ?? ''
  expect(await run(instance, ['true'])).toMatchObject({ code: 0 })

  expect(() => {
    for (let i = 0; ; i++) writeFileSync(inside(`state/filler-${i}`), Buffer.alloc(4096))
  }).toThrow('ENOSPC')
  const refusals: Ended[] = []
  await expect
    .poll(async () => {
      refusals.push(await run(instance, ['echo', 'ran']))
      return refusals.at(-1)?.stderr
    })
    .toMatch(NO_LOG)
  for (let i = 0; i < 3; i++) refusals.push(await run(instance, ['echo', 'ran']))
  const unclear = refusals.filter(({ stderr }) => !NO_LOG.test(stderr) && !NO_SPACE.test(stderr))
  expect({ unclear, ran: refusals.filter((end) => end.code !== 125 || end.stdout !== '') }).toEqual(
    {
      unclear: [],
      ran: [],
    },
  )
  longer.process.stdin?.end('still here\n')
  expect(await longer.ended).toMatchObject({ code: 0, stdout: `${session} ready\nstill here\n` })

  for (let i = 0; i < 2000; i++) rmSync(inside(`state/filler-${i}`), { force: true })
  await expect
    .poll(async () => (await run(instance, ['echo', 'ran'])).stdout, { timeout: 5000 })
    .toBe('ran\n')
  const count = async (type: string): Promise<number> =>
    (await sekisho('log', 'show', '--json')).stdout.split(`"type":"${type}"`).length - 1
  const starts = await count('session.start')
  await expect.poll(() => count('session.end'), { timeout: 5000 }).toBe(starts)
  const shown = await sekisho('log', 'show', '--session', session)
  expect(shown.stdout).toContain('session ends: exit, exit code 0')
  expect(await sekisho('log', 'verify')).toMatchObject({ code: 0, stderr: '' })
  daemon.process.stdin?.end()
  expect(await daemon.ended).toMatchObject({ code: 0 })
})

test('a daemon that cannot write its log does not start, and starts once it can', async () => {
  const home = homeAt('starting')
  const serve = `${QUOTED_LAUNCHER} serve --until-stdin-closes < /dev/null > /dev/null`
  const filler = join(home, 'state/filler')
  const script = [
    `${serve}; echo "first $?"`,
    `dd if=/dev/zero of=${filler} bs=4096 status=none 2>/dev/null`,
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
    `dd if=/dev/zero of=${filler} bs=4096 status=none 2>/dev/null`,
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
