import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { openPidfd, takeDescriptor } from '../../src/kernel/pidfd.ts'
import { intent } from '../../src/keyholder/testing/leaves.ts'
import { socketTransport } from '../../src/wire/transport.ts'
import { leavesOf, logOf, quarantineOf, sessionsOfLog } from './containment-log.ts'
import { type Instance, openInstance, processesOf, runningSessions, startRun } from './instance.ts'

/** Identities of a whole platform: stolen, taken back, and who hears of it when. */

const plain = (name: string): object => ({ version: 1, name, presets: 'none' })

let instance: Instance
beforeAll(async () => {
  const agents = { stolen: plain('stolen'), bystander: plain('bystander'), lost: plain('lost') }
  instance = await openInstance({ agents, settings: { gates: 1 } })
})
afterAll(async () => instance?.close())

/** It has been denied something, so its gate has spoken for it. */
async function startOf(agent: string): Promise<ReturnType<typeof startRun>> {
  const script = 'getent hosts nobody.test; echo up; exec sleep 600'
  const client = startRun(instance, ['sh', '-c', script], { flags: ['--agent', agent] })
  await client.says('up')
  return client
}

test('a copy of a gate’s channel is found out by its first record, and the session contained at once', async () => {
  const bystander = startRun(instance, ['sh', '-c', 'echo up; read line; echo "still $line"'], {
    flags: ['--agent', 'bystander'],
  })
  await bystander.says('up')
  const client = await startOf('stolen')
  const [session = ''] = await sessionsOfLog(instance, 'stolen')
  const channel = await stealChannel()
  const leaf = { ...intent('forged'), session }
  const beganMs = performance.now()
  socketTransport(channel).send({
    id: 2 ** 40,
    method: 'record',
    params: { leaf, credentials: [], seq: 1 },
  })
  const ended = await client.ended
  const tookMs = performance.now() - beganMs
  channel.destroy()
  expect(ended.code).toBe(137)
  expect(ended.stderr).toContain('its identity was in conflict (sequence: gate 0 sent record 1')
  expect(tookMs).toBeLessThan(30_000) // half a second, on a machine at rest
  expect(await quarantineOf(instance, 'stolen')).toMatch(/^q-/)
  await leavesOf(instance, 'stolen', 0) // to its end
  const leaves = (await logOf(instance)).filter(
    ({ type, session: whose, of }) =>
      [whose, of?.session].includes(session) && !['process.exec', 'alert'].includes(type),
  )
  expect(leaves.map(({ type }) => type).toSorted()).toEqual([
    'action.intent',
    'action.intent',
    'identity.conflict',
    'identity.revocation-heard',
    'identity.revoked',
    'quarantine.set',
    'session.contained',
    'session.end',
    'session.start',
    'session.state',
  ])
  expect(leaves.map((one) => one['id'])).not.toContain('forged')
  bystander.process.stdin?.end('here\n')
  expect(await bystander.ended).toMatchObject({ code: 0, stdout: 'up\nstill here\n' })
})

test('an operator takes an identity back: all who rely on it hear of it at once', async () => {
  const client = await startOf('lost')
  const [session = ''] = await sessionsOfLog(instance, 'lost')
  const beganMs = performance.now()
  const revoked = await instance.sekisho(
    'identity',
    'revoke',
    session,
    '--reason',
    'a laptop was lost',
    '--json',
  )
  expect(performance.now() - beganMs).toBeLessThan(30_000) // well below a second, on a machine at rest
  const { heard } = Revoked.parse(JSON.parse(revoked.stdout))
  expect(heard.map(({ name }) => name)).toEqual(['keyholder', 'gate-0', 'control'])
  for (const { afterMs } of heard) expect(afterMs).toBeLessThan(30_000)
  const ended = await client.ended
  expect(ended.stderr).toContain('its identity was revoked: a laptop was lost')
  const list = join(instance.home, 'state/crl.pem')
  const text = execFileSync('openssl', ['crl', '-in', list, '-noout', '-text'], {
    encoding: 'utf8',
  })
  expect(text).toMatch(/Privilege Withdrawn/)
})

test('a gate whose identity is taken back is started anew with another, and goes on', async () => {
  const before = await gateKey()
  const revoked = await instance.sekisho('identity', 'revoke', 'gate-0', '--reason', 'odd')
  expect(revoked.code).toBe(0)
  await expect.poll(async () => [undefined, before].includes(await gateKey())).toBe(false)
  const client = await startOf('bystander')
  await instance.sekisho('stop', ...(await runningSessions(instance)))
  await client.ended
})

const Revoked = z.looseObject({
  heard: z.array(z.looseObject({ name: z.string(), afterMs: z.int() })),
})
const Listed = z.looseObject({
  entries: z.array(z.looseObject({ of: z.looseObject({ kind: z.string() }), key: z.string() })),
})

async function gateKey(): Promise<string | undefined> {
  const { stdout } = await instance.sekisho('identity', 'list', '--json')
  const { entries } = Listed.parse(JSON.parse(stdout))
  return entries.find(({ of }) => of.kind === 'gate')?.key
}

/** As root does it on the host: the gate's own descriptor, copied out of the running process. */
async function stealChannel(): Promise<Socket> {
  const { 'gate-0': gate = 0, keyholder = 0 } = await processesOf(instance)
  const sockets = execFileSync('ss', ['-xanpH'], { encoding: 'utf8' }).split('\n')
  const atKeyholder = sockets.filter((line) => line.includes(`pid=${keyholder},`)).join('\n')
  const fd = readdirSync(`/proc/${gate}/fd`).find((name) => {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${gate}/fd/${name}`))?.[1]
    return inode !== undefined && new RegExp(`\\* ${inode} +users`).test(atKeyholder)
  })
  if (fd === undefined) throw new Error(`no channel of gate ${gate} to keyholder ${keyholder}`)
  return new Socket({ fd: takeDescriptor(openPidfd(gate), Number(fd)), writable: true })
}
