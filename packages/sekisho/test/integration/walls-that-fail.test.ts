import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import {
  type Instance,
  openInstance,
  processesOf,
  run,
  runningSessions,
  start,
} from './instance.ts'
import { descriptorsOf, tracesOf } from './traces.ts'

const DECOYS = '/run/sekisho-box/decoys'
const TRIPWIRE = '_proc_sys_kernel_core_pattern'
/** What tries the walls that need a program of the root file system's own. */
const TRIED_BY = ['unshare', 'chroot', 'hostname'] as const

let instance: Instance
beforeAll(async () => {
  // nothing waits: each sandbox is made, and tries its walls, when its session comes
  instance = await openInstance({ settings: { readyBerths: 0 } })
  makeRoot('honest')
  makeRoot('lying')
  makeRoot('broken')
  agent('marked', { attestation: 'mark' })
  agent('broken', { rootfs: { directory: join(instance.directory, 'broken') } })
  agent('mounted', { mounts: [{ source: '/usr/share/doc', target: '/opt/docs' }] })
  agent('honest', { rootfs: { directory: join(instance.directory, 'honest') } })
  agent('lying', { rootfs: { directory: join(instance.directory, 'lying') } })
  const lying = { rootfs: { directory: join(instance.directory, 'lying') } }
  agent('lying-marked', { ...lying, attestation: 'mark' })
})
afterAll(async () => instance?.close())

function agent(name: string, lines: Record<string, unknown>): void {
  const file = join(instance.home, `policy/agents/${name}.yaml`)
  writeFileSync(file, JSON.stringify({ version: 1, name, presets: 'none', ...lines }))
}

/**
 * A root file system with a shell. In one that lies, what should try the walls only says so; in one
 * that is broken, the shell lacks its libraries.
 */
function makeRoot(kind: 'honest' | 'lying' | 'broken'): void {
  const root = join(instance.directory, kind)
  for (const path of ['bin', 'etc', 'usr/bin']) mkdirSync(join(root, path), { recursive: true })
  if (kind === 'broken') return copyInto(root, '/bin/dash', '/bin/sh')
  takeAlong(root, '/bin/dash', '/bin/sh')
  takeAlong(root, '/bin/echo')
  for (const name of TRIED_BY) {
    if (kind === 'honest') takeAlong(root, resolveProgram(name), `/bin/${name}`)
    else {
      writeFileSync(join(root, 'bin', name), '#!/bin/sh\necho Operation not permitted; exit 1\n')
      chmodSync(join(root, 'bin', name), 0o755)
    }
  }
}

/** A program of the host, with its libraries. */
function takeAlong(root: string, program: string, as = program): void {
  const needed = execFileSync('ldd', [program], { encoding: 'utf8' })
  copyInto(root, program, as)
  for (const [path] of needed.matchAll(/\/\S+/g)) copyInto(root, path, path)
}

function copyInto(root: string, from: string, to: string): void {
  mkdirSync(dirname(join(root, to)), { recursive: true })
  copyFileSync(from, join(root, to))
}

function resolveProgram(name: string): string {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
}

const Attested = z.array(z.object({ control: z.string(), held: z.boolean().nullable() }))
const Leaf = z.looseObject({
  type: z.string(),
  agent: z.string().nullish(),
  rule: z.string().optional(),
  reason: z.string().optional(),
  attestation: Attested.optional(),
})
type Leaf = z.infer<typeof Leaf>

/** What the log says of the starts of an agent, those that were refused included. */
async function startsOf(name: string): Promise<Leaf[]> {
  const { stdout } = await instance.sekisho('log', 'show', '--json')
  const lines = stdout.split('\n').filter((line) => line !== '')
  const leaves = lines.map((line) => z.looseObject({ leaf: Leaf }).parse(JSON.parse(line)).leaf)
  return leaves.filter(
    (leaf) => /^session\.(start|refused)$/.test(leaf.type) && leaf.agent === name,
  )
}

const failed = ({ attestation = [] }: Leaf): string[] =>
  attestation.filter(({ held }) => held === false).map(({ control }) => control)

async function refused(name: string, controls: readonly string[]): Promise<void> {
  const before = await startsOf(name)
  const { code, stdout, stderr } = await run(instance, ['echo', 'ran'], {
    flags: ['--agent', name],
  })
  const [said = '', hint = ''] = stderr.split('\n')
  expect({ code, stdout, hint }).toEqual({
    code: 125,
    stdout: '',
    hint: 'hint: see what changed on this host; `attestation: mark` in the agent file starts it anyway',
  })
  expect(said).toMatch(/^sekisho: ATTESTATION_FAILED: the sandbox does not hold: /)
  for (const control of controls) expect(said).toContain(`${control} (`)
  const [leaf, ...more] = (await startsOf(name)).slice(before.length)
  expect({ leaf, more }).toEqual({
    leaf: expect.objectContaining({
      type: 'session.refused',
      rule: 'invariant.attestation',
      reason: said.replace('sekisho: ATTESTATION_FAILED: ', ''),
    }),
    more: [],
  })
  expect(await runningSessions(instance)).toEqual([])
}

async function starts(name: string, controls: readonly string[]): Promise<void> {
  const end = await run(instance, ['echo', 'ran'], { flags: ['--agent', name] })
  expect(end).toMatchObject({ code: 0, stdout: 'ran\n', stderr: '' })
  const leaf = (await startsOf(name)).at(-1)
  expect({ type: leaf?.type, failed: leaf === undefined ? [] : failed(leaf) }).toEqual({
    type: 'session.start',
    failed: controls,
  })
}

describe('a tripwire that nobody watches any more', () => {
  const script = (text: string): string[] => ['sh', '-ec', `cd ${DECOYS}; ${text}`]
  const inBox = async (text: string): Promise<void> => {
    const pid = String((await processesOf(instance))['supervisor'])
    execFileSync('nsenter', ['--mount', '--target', pid, ...script(text)], { stdio: 'pipe' })
  }
  const broken = ['open-core-pattern', 'tripwire /proc/sys/kernel/core_pattern']

  test('stops a session; `attestation: mark` starts it and says so; mended, all holds again', async () => {
    await starts('default', [])
    await inBox(`mv ${TRIPWIRE} watched; touch ${TRIPWIRE}; chmod 666 ${TRIPWIRE}`)
    await refused('default', broken)
    await starts('marked', broken)
    await inBox(`mv watched ${TRIPWIRE}`)
    await starts('default', [])
    await starts('marked', [])
  })
})

describe('a root file system that only pretends to try its walls', () => {
  const untried = TRIED_BY.map(
    (program) => `syscall-${program === 'hostname' ? 'sethostname' : program}`,
  )

  test('is not believed', async () => {
    await starts('honest', [])
    await refused('lying', untried)
    await starts('lying-marked', untried)
  })
})

test('of starts that failed, and of sandboxes that were made for one session, nothing is left', async () => {
  const { supervisor = 0 } = await processesOf(instance)
  const ofSessions = (): unknown => {
    const {
      kept: _,
      networks: _n,
      mounts: _m,
      cgroups: _c,
      ...of
    } = tracesOf(instance.home, supervisor)
    return Object.values(of).flat().filter(Boolean)
  }
  await expect.poll(ofSessions).toEqual([]) // none waits, none runs
  const { kept: _kept, ...traces } = tracesOf(instance.home, supervisor)
  const descriptors = descriptorsOf(supervisor).length
  const terminal = `script -qec '"$SEKISHO_LAUNCHER" run -- true' /dev/null`
  for (let i = 0; i < 4; i++) {
    const [broken, lying, ...others] = await Promise.all([
      run(instance, ['true'], { flags: ['--agent', 'broken'] }),
      run(instance, ['true'], { flags: ['--agent', 'lying'] }),
      run(instance, ['true'], { flags: ['--agent', 'mounted'] }),
      run(instance, ['true'], { flags: ['--agent', 'honest', '--detach'] }),
      start(['bash', '-c', terminal], instance).ended,
    ])
    expect(broken).toMatchObject({ code: 125, stderr: expect.stringMatching(/SANDBOX_FAILED: /) })
    expect(lying).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/ATTESTATION_FAILED: /),
    })
    expect(others.map(({ code }) => code)).toEqual([0, 0, 0])
  }
  await expect.poll(() => tracesOf(instance.home, supervisor)).toMatchObject(traces)
  await expect.poll(() => descriptorsOf(supervisor).length).toBeLessThanOrEqual(descriptors + SLACK)
})

/** What a process of Node may open by itself meanwhile. */
const SLACK = 4

test('the log verifies, and whoever reads it sees what did not hold', async () => {
  expect(await instance.sekisho('log', 'verify')).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = await instance.sekisho('log', 'show')
  expect(stdout).toMatch(/does not hold: open-core-pattern/)
})
