import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { type Ended, type Instance, openInstance, run, startRun } from './instance.ts'
import { startUpstream, type Upstream, UPSTREAM_HOST } from './recording-upstream.ts'

const SECRET = 'a made-up token for setup'
const ASK = `curl -sS --max-time 8 https://${UPSTREAM_HOST}`

let directory: string
let upstream: Upstream
let instance: Instance
let workspace: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-setup-'))
  upstream = await startUpstream(directory)
  const secret = join(directory, 'secret')
  writeFileSync(secret, SECRET)
  const rule = { id: 'registry', effect: 'allow', host: UPSTREAM_HOST }
  const network = { rules: [rule] }
  const agent = {
    version: 1,
    attestation: 'mark',
    upstreams: [
      {
        host: UPSTREAM_HOST,
        address: '127.0.0.1',
        dialPort: upstream.port,
        caFile: upstream.caFile,
        reason: 'the test plays the world',
      },
    ],
    secrets: [
      {
        name: 'token',
        from: `file:${secret}`,
        hosts: [UPSTREAM_HOST],
        header: 'x-token',
        env: 'TOKEN',
      },
    ],
  }
  const command = ['sh', '-c', 'echo by the file > made']
  instance = await openInstance({
    agents: {
      builder: { ...agent, name: 'builder', setup: network },
      named: { ...agent, name: 'named', setup: { ...network, command } },
    },
  })
})
afterAll(async () => {
  await instance?.close()
  await upstream?.close()
  rmSync(directory, { recursive: true, force: true })
})
beforeEach(() => {
  workspace = mkdtempSync(join(instance.directory, 'project-'))
})

const flagsFor = (agent: string, ...flags: string[]): string[] => [
  '--agent',
  agent,
  '--workspace',
  workspace,
  ...flags,
]

async function phases(setup: string, command: string, input = ''): Promise<Ended> {
  const flags = flagsFor('builder', '--setup', setup)
  return run(instance, ['sh', '-c', command], { flags, input })
}

const Leaf = z.looseObject({ type: z.string(), session: z.string().optional() })
const Line = z.looseObject({ leaf: Leaf })

/** What the log says of this test's workspace: leaves of its sessions, in order. */
async function recorded(): Promise<z.infer<typeof Leaf>[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  const leaves = lines.map((line) => Line.parse(JSON.parse(line)).leaf)
  const ours = leaves.filter((leaf) => leaf['workspace'] === workspace).map((leaf) => leaf.session)
  return leaves.filter((leaf) => ours.includes(leaf.session))
}

const starts = async (): Promise<unknown[]> =>
  (await recorded())
    .filter(({ type }) => type === 'session.start')
    .map((leaf) => [leaf['phase'], typeof leaf['snapshot'] === 'string'])

function isRunning(word: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word)
      } catch {
        return false // it has just ended
      }
    })
}

test('what setup installed is there; its network and its processes are not', async () => {
  const before = upstream.arrived().length
  const setup = `${ASK}/install > installed && (setsid sleep 98765 >/dev/null 2>&1 &) ; until ps -e | grep -q '[s]leep'; do :; done; ps -e | grep -c '[s]leep' > count; touch /tmp/left`
  const agent = `cat installed count; ls /tmp/left; ${ASK}/agent; echo "curl said $?"; ps -e | grep -c sleep; echo ready; read x`
  const client = startRun(instance, ['sh', '-c', `exec 2>/dev/null; ${agent}`], {
    flags: flagsFor('builder', '--setup', setup),
  })
  await client.says('ready')
  expect(isRunning('98765')).toBe(false)
  client.process.stdin?.end('\n')
  const { code, stdout } = await client.ended
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n1\ncurl said 6\n0\nready\n' })
  expect(upstream.arrived().slice(before)).toEqual(['/install'])
  expect(await starts()).toEqual([
    ['setup', false],
    ['agent', true],
  ])
  const [setupSession, agentSession] = (await recorded())
    .filter(({ type }) => type === 'session.start')
    .map(({ session }) => session)
  const denied = (await recorded()).filter(
    (leaf) => leaf.type === 'action.intent' && JSON.stringify(leaf['verdict']).includes('deny'),
  )
  expect(denied.map(({ session }) => session)).toContain(agentSession)
  expect(denied.map(({ session }) => session)).not.toContain(setupSession)
})

test('a setup that fails stops there, with its exit code', async () => {
  const { code, stdout, stderr } = await phases('echo half > made; exit 7', 'echo agent ran')
  expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
  expect(stderr).toContain('the setup phase ended with exit code 7; the agent was not started')
  expect(await starts()).toEqual([['setup', false]])
})

test('what the agent is to read is not read by setup, nor what setup says taken for an answer', async () => {
  const { code, stdout, stderr } = await phases(
    'cat > eaten; echo loud',
    'cat; wc -c < eaten',
    'prompt\n',
  )
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'prompt\n0\n', stderr: 'loud\n' })
})

test('a setup that changes nothing is followed by the agent all the same', async () => {
  writeFileSync(join(workspace, 'there'), 'before\n')
  const { code, stdout } = await phases('true', 'cat there')
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'before\n' })
})

test('a secret is only for the phase that can use it', async () => {
  const { stdout } = await phases(
    'echo "setup: ${TOKEN:+has it}" > seen',
    'cat seen; echo "agent: ${TOKEN:+has it}"',
  )
  expect(stdout).toBe('setup: has it\nagent: \n')
})

test('the agent file may name the command, which its user may leave out', async () => {
  const look = ['sh', '-c', 'cat made 2>/dev/null || echo nothing']
  const first = await run(instance, look, { flags: flagsFor('named') })
  const without = await run(instance, look, { flags: flagsFor('named', '--no-setup') })
  expect([first.stdout, without.stdout]).toEqual(['by the file\n', 'nothing\n'])
  const ids = (await recorded()).map((leaf) => z.string().safeParse(leaf['snapshot']).data)
  const snapshot = ids.find((id) => id !== undefined) ?? 'none'
  const again = await run(instance, look, { flags: flagsFor('named', '--from', snapshot) })
  expect(again.stdout).toBe('by the file\n')
  expect(await starts()).toEqual([
    ['setup', false],
    ['agent', true],
    ['agent', false],
    ['agent', true],
  ])
})

test('a detached agent whose setup fails is not started, and says so', async () => {
  const flags = flagsFor('builder', '--setup', 'exit 3', '--detach')
  const { code, stdout, stderr } = await run(instance, ['true'], { flags })
  expect({ code, stdout }).toEqual({ code: 125, stdout: '' })
  expect(stderr).toContain('SETUP_FAILED: the setup phase ended with exit code 3')
})

test('an agent whose file knows no setup phase gets none', async () => {
  const { code, stderr } = await run(instance, ['true'], { flags: ['--setup', 'true'] })
  expect(code).toBe(125)
  expect(stderr).toContain('CONFIG_INVALID: agent default has no setup phase')
})
