import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { startPlatform } from '../agents/platform.ts'
import {
  type Client,
  type Instance,
  openInstance,
  processesOf,
  run,
  runningSessions,
  startRun,
} from './instance.ts'
import { clientAgent, startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'
import { cgroupsOf, hostMountsOf, isGone, loopsOf, sandboxProcesses } from './traces.ts'

const CLIENT = ['--agent', 'client']
const DEFAULT = { version: 1, name: 'default', presets: 'none' }

let instance: Instance
let upstream: Upstream
let upstreamDirectory: string
beforeAll(async () => {
  upstreamDirectory = await mkdtemp(join(tmpdir(), 'sekisho-upstream-'))
  upstream = await startUpstream(upstreamDirectory)
  instance = await openInstance({ agents: { client: clientAgent(upstream) } })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  await rm(upstreamDirectory, { recursive: true, force: true })
})

/** Kills it and waits until another process stands in its place. */
async function killAndAwait(name: string): Promise<void> {
  const before = (await processesOf(instance))[name] ?? 0
  expect(before).toBeGreaterThan(1)
  process.kill(before, 'SIGKILL')
  const successor = async (): Promise<boolean> => {
    const now = (await processesOf(instance).catch(() => ({ [name]: 0 })))[name] ?? 0
    return now > 1 && now !== before
  }
  await expect.poll(successor, { interval: 50 }).toBe(true)
  await newSessionsWork()
}

/** @throws saying what each was refused with, how long the last has waited, and what the daemon said */
async function newSessionsWork(): Promise<void> {
  const refusals: string[] = []
  let askedAtMs = 0
  const ask = async (): Promise<string> => {
    askedAtMs = performance.now()
    const said = await newSession()
    if (said !== 'new\n') refusals.push(said)
    return said
  }
  try {
    await expect.poll(ask, { interval: 50 }).toBe('new\n')
  } catch (cause) {
    const waitedMs = Math.round(performance.now() - askedAtMs)
    const refused = `no new session after ${refusals.length} refusals: ${refusals.slice(-5).join('')}`
    const daemon = `the last was asked for ${waitedMs} ms ago; the daemon: ${instance.said().slice(-4000)}`
    throw new Error(`${refused}\n${daemon}`, { cause })
  }
}

/** What a new session says; until the successor is wired to the others, its refusal. */
async function newSession(): Promise<string> {
  const { code, stdout, stderr } = await run(instance, ['echo', 'new'])
  return code === 0 ? stdout : stderr
}

/** Whether the supervisor has accepted a client's connection: from then on it has a pidfd of it. */
function isAccepted(supervisor: number, { process: { pid } }: Client): boolean {
  const directory = `/proc/${supervisor}/fdinfo`
  return readdirSync(directory).some((fd) => holdsPid(join(directory, fd), pid ?? 0))
}

function holdsPid(fdinfo: string, pid: number): boolean {
  try {
    return new RegExp(`^Pid:\\t${pid}$`, 'm').test(readFileSync(fdinfo, 'utf8'))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false // closed since
    throw error
  }
}

/** A session that asks the upstream for what it reads on stdin, and says what came of it. */
async function asking(): Promise<Client> {
  const script = `echo ready; while read path; do
    echo "$path $(curl -s -m 8 -o /dev/null -w '%{http_code}' https://${UPSTREAM_HOST}$path)"; done`
  const client = startRun(instance, ['sh', '-c', script], { flags: CLIENT })
  await client.says('ready')
  return client
}

describe.each(['keyholder', 'gate-0', 'guardian'])('kill -9 of the %s', (name) => {
  test('it is started again, the running session goes on, and new ones work', async () => {
    const client = await asking()
    const paths = [`/before-${name}`, `/after-${name}`]
    client.process.stdin?.write(`${paths[0]}\n`)
    await client.says(`${paths[0]} 200`)
    await killAndAwait(name)
    client.process.stdin?.write(`${paths[1]}\n`)
    await client.says(`${paths[1]} 200`)
    client.process.stdin?.end()
    expect(await client.ended).toMatchObject({ code: 0 })
    expect(upstream.arrived().filter((path) => paths.includes(path))).toEqual(paths)
  })
})

describe('kill -9 of control', () => {
  test('its sessions end, since nobody waits for them; it is started again', async () => {
    const client = await asking()
    await killAndAwait('control')
    expect(await client.ended).toMatchObject({
      code: 125,
      stderr: 'sekisho: PEER_UNAVAILABLE: the daemon is not there\n',
    })
    await expect.poll(() => runningSessions(instance)).toEqual([])
  })

  test('a client whose connection it has not taken any more is told, and does not wait', async () => {
    const { control = 0, supervisor = 0 } = await processesOf(instance)
    process.kill(control, 'SIGSTOP')
    const client = startRun(instance, ['echo', 'new'])
    await expect.poll(() => isAccepted(supervisor, client)).toBe(true)
    process.kill(control, 'SIGKILL')
    expect(await client.ended).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^sekisho: PEER_UNAVAILABLE: the daemon is not there\n/),
    })
    await newSessionsWork()
  })
})

describe('all at once', () => {
  test('the platform comes back from the death of every child together', async () => {
    const { supervisor: _, ...children } = await processesOf(instance)
    for (const pid of Object.values(children)) process.kill(pid, 'SIGKILL')
    await newSessionsWork()
  })

  test('the log verifies after all that', async () => {
    expect(await instance.sekisho('log', 'verify')).toMatchObject({ code: 0 })
  })
})

const Kept = z.object({ sessions: z.array(z.looseObject({ session: z.string() })) })

/** A session that has written to its workspace and goes on. */
async function changingSession(): Promise<{ client: Client; session: string }> {
  const workspace = await mkdtemp(join(instance.directory, 'workspace-'))
  const script = 'echo text > added; echo "$SEKISHO_SESSION wrote"; read end'
  const flags = ['--workspace', workspace]
  const client = startRun(instance, ['sh', '-c', script], { flags })
  await client.says(' wrote')
  return { client, session: client.said().split(' ')[0] ?? '' }
}

describe('kill -9 of the supervisor', () => {
  test('its sandboxes end without any help, then nothing of it is left, and the next start closes its log and keeps the changes', async () => {
    const processes = await processesOf(instance)
    const changing = await changingSession()
    // it reads nothing, so that no closed pipe ends it
    const deaf = startRun(instance, ['sh', '-c', 'echo ready; exec sleep infinity'])
    await deaf.says('ready')
    const clients = [await asking(), await asking(), changing.client, deaf]
    const release = upstream.hold()
    clients[0]?.process.stdin?.write('/in-flight\n')
    await expect.poll(() => upstream.arrived()).toContain('/in-flight')

    // the guardian cannot help: what ends now ends by the kernel's word, or on its own
    const { guardian = 0, supervisor = 0, ...others } = processes
    process.kill(guardian, 'SIGSTOP')
    process.kill(supervisor, 'SIGKILL')
    const runs = (): unknown => ({
      processes: Object.entries(others).filter(([, pid]) => !isGone(pid)),
      sandboxes: sandboxProcesses(instance.home),
    })
    try {
      await expect.poll(runs, { interval: 25 }).toEqual({ processes: [], sandboxes: [] })
    } finally {
      process.kill(guardian, 'SIGCONT')
    }
    const left = (): unknown => ({
      processes: Object.entries(processes).filter(([, pid]) => !isGone(pid)),
      sandboxes: sandboxProcesses(instance.home),
      cgroups: cgroupsOf(instance.home),
      loops: loopsOf(instance.home),
      mounts: hostMountsOf(instance.home),
    })
    const nothing = { processes: [], sandboxes: [], cgroups: [], loops: [], mounts: [] }
    await expect.poll(left, { interval: 25 }).toEqual(nothing)
    release()
    for (const client of clients) expect((await client.ended).code).toBe(125)

    const agents = { default: DEFAULT, client: clientAgent(upstream) }
    const next = await startPlatform({ home: instance.home, agents, secrets: {} })
    try {
      expect(await run(instance, ['echo', 'again'])).toMatchObject({ code: 0, stdout: 'again\n' })
      expect(await next.sekisho('diff', changing.session, '--stat')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('added'),
      })
      const ofOthers = (await next.sekisho('ps', '--all', '--json')).stdout
      expect(Kept.parse(JSON.parse(ofOthers)).sessions).toEqual([
        expect.objectContaining({ session: changing.session, exitCode: null }),
      ])
      const { stdout } = await next.sekisho('log', 'show', '--json')
      const leaves = stdout.split('\n').filter((line) => line !== '')
      const intent = leaves.find((line) => line.includes('"/in-flight"'))
      const id = /"id":"([^"]+)"/.exec(intent ?? '')?.[1]
      const session = /"session":"([^"]+)"/.exec(intent ?? '')?.[1]
      // the gate may have got the broken request's outcome out before it went; else it is a gap
      const closes = (line: string): boolean => /"type":"(gap|action\.outcome)"/.test(line)
      const own = leaves.filter((line) => line.includes(`"${session}"`) && closes(line))
      expect(own.filter((line) => line.includes(`"${id}"`))).toHaveLength(1)
      expect(own.filter((line) => line.includes('"id":"session.end"'))).toHaveLength(1)
      expect(await next.sekisho('log', 'verify')).toMatchObject({ code: 0, stderr: '' })
    } finally {
      await next.stop()
    }
  })
})
