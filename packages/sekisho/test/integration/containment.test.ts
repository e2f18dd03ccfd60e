import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { leavesOf, quarantineOf, sessionsOfLog } from './containment-log.ts'
import { type Client, type Ended, type Instance, openInstance, run, startRun } from './instance.ts'

const file = (name: string, more: object = {}): object => ({
  version: 1,
  name,
  presets: 'none',
  ...more,
})
const FILES = {
  hostile: file('hostile'),
  bystander: file('bystander'),
}
/** A number that no other process on this machine sleeps for. */
const SLEEP = 100_000 + process.pid

let instance: Instance
beforeAll(async () => {
  instance = await openInstance({ agents: FILES })
})
afterAll(async () => instance?.close())

type Name = keyof typeof FILES
const start = (agent: Name, script: string): Client =>
  startRun(instance, ['sh', '-c', script], { flags: ['--agent', agent] })
const sh = (agent: Name, script: string): Promise<Ended> =>
  run(instance, ['sh', '-c', script], { flags: ['--agent', agent] })
const state = (...path: string[]): string => join(instance.home, 'state', ...path)

/** Whether a process with this argument runs anywhere on the machine. */
function isRunning(argument: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument)
      } catch {
        return false // it has ended
      }
    })
}

describe('a session that calls mount', () => {
  let other: Client
  let bystander: Client
  let ended: Ended
  beforeAll(async () => {
    other = start('hostile', 'echo up; exec sleep 600')
    bystander = start('bystander', 'echo up; read line; echo "still $line"')
    await Promise.all([other.says('up'), bystander.says('up')])
    // a busy loop, a daemon in a session of its own, and then the attempt
    const script = `while :; do :; done & setsid sleep ${SLEEP} & echo x > /tmp/payload; echo mine > file
      until grep -qs sleep /proc/[0-9]*/comm; do :; done; echo before; mount -t tmpfs none /tmp; echo after`
    ended = await sh('hostile', script)
  })

  test('ends there, and its client is told why and what to do', async () => {
    const [, session = ''] = await sessionsOfLog(instance, 'hostile')
    expect(ended).toEqual({
      code: 137,
      signal: null,
      stdout: 'before\n',
      stderr: `sekisho: session ${session} ended: it called mount, which is how escapes begin: it is contained, and its agent in quarantine
hint: look with \`sekisho quarantine show ${await quarantineOf(instance, 'hostile')}\`
`,
    })
  })

  test('leaves no process', () => {
    expect(isRunning(String(SLEEP))).toBe(false)
  })

  test('takes the other session of its agent along, and nobody else’s', async () => {
    const end = await other.ended
    expect({ code: end.code, stdout: end.stdout }).toEqual({ code: 137, stdout: 'up\n' })
    expect(end.stderr).toMatch(
      /: session s-\w+ of its agent tried to escape: the agent is in quarantine\n/,
    )
    bystander.process.stdin?.end('here\n')
    expect(await bystander.ended).toMatchObject({ code: 0, stdout: 'up\nstill here\n' })
  })

  test('is in the log in this order: denied, shut out, contained, ended', async () => {
    const leaves = await leavesOf(instance, 'hostile', 1)
    const id = await quarantineOf(instance, 'hostile')
    const [session = ''] = leaves.map((leaf) => leaf.session ?? '')
    expect(leaves).toEqual([
      expect.objectContaining({ type: 'session.start', agent: 'hostile' }),
      expect.objectContaining({
        type: 'action.intent',
        action: expect.objectContaining({
          kind: 'process.syscall',
          syscall: 'mount',
          command: 'mount',
        }),
        verdict: expect.objectContaining({ kind: 'deny', rules: ['invariant.syscall'] }),
      }),
      expect.objectContaining({ type: 'session.state', trigger: 'revoke' }),
      expect.objectContaining({
        type: 'quarantine.set',
        id,
        agent: 'hostile',
        reason: `it called mount in session ${session}`,
      }),
      expect.objectContaining({
        type: 'session.contained',
        trigger: { kind: 'syscall', what: 'mount', pid: expect.any(Number) },
        quarantine: id,
      }),
      expect.objectContaining({ type: 'session.end', reason: 'contained', exitCode: 137 }),
    ])
    expect(Number(leaves[4]?.['frozenAfterMs'])).toBeLessThan(30_000) // a tenth of a second, on a machine at rest
    const [first] = await leavesOf(instance, 'hostile', 0)
    expect(first).toMatchObject({ type: 'session.start' })
    expect((await leavesOf(instance, 'hostile', 0)).at(-1)).toMatchObject({ reason: 'contained' })
  })

  test('leaves evidence that is whole, and that the log vouches for', async () => {
    const contained = (await leavesOf(instance, 'hostile', 1)).find(
      ({ type }) => type === 'session.contained',
    )
    const Evidence = z.looseObject({
      name: z.string(),
      digest: z.string(),
      processes: z.int(),
      firstLeaf: z.int(),
      lastLeaf: z.int(),
      failures: z.array(z.string()),
    })
    const evidence = Evidence.parse(contained?.['evidence'])
    const at = (name: string): string => state('evidence', evidence.name, name)
    const sha256 = (name: string): string =>
      `sha256:${createHash('sha256')
        .update(readFileSync(at(name)))
        .digest('hex')}`
    expect(evidence).toMatchObject({ digest: sha256('index.json'), failures: [] })
    expect(evidence.lastLeaf).toBeGreaterThan(evidence.firstLeaf)
    const { files } = z
      .looseObject({
        files: z.array(
          z.strictObject({ name: z.string(), bytes: z.int(), sha256: z.string().nullable() }),
        ),
      })
      .parse(JSON.parse(readFileSync(at('index.json'), 'utf8')))
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'changes.json',
        'log.json',
        'plan.json',
        'processes.json',
        'scratch.json',
        'trigger.json',
      ]),
    )
    for (const { name, bytes, sha256: said } of files) {
      expect([name, statSync(at(name)).size, said]).toEqual([
        name,
        bytes,
        said === null ? null : sha256(name),
      ])
    }
    for (const path of [state('evidence'), at('.')]) expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  test('has what ran, where it had stopped, in its evidence', async () => {
    const contained = (await leavesOf(instance, 'hostile', 1)).find(
      ({ type }) => type === 'session.contained',
    )
    const { name } = z.looseObject({ name: z.string() }).parse(contained?.['evidence'])
    const read = (part: string): string => readFileSync(state('evidence', name, part), 'utf8')
    const Table = z.looseObject({
      processes: z.array(z.looseObject({ cmdline: z.string().nullable() })),
      isFrozen: z.boolean(),
      omitted: z.int(),
    })
    const table = Table.parse(JSON.parse(read('processes.json')))
    expect([table.isFrozen, table.omitted]).toEqual([true, 0])
    const commands = table.processes.map(({ cmdline }) => cmdline?.replaceAll('\0', ' ').trim())
    expect(commands).toEqual(expect.arrayContaining([`sleep ${SLEEP}`, 'mount -t tmpfs none /tmp']))
    const Changes = z.looseObject({
      changes: z.array(z.looseObject({ path: z.string(), sha256: z.string().nullable() })),
      incomplete: z.null(),
    })
    const of = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
    const scratch = Changes.parse(JSON.parse(read('scratch.json'))).changes
    expect(scratch).toContainEqual(
      expect.objectContaining({ path: 'tmp/payload', sha256: of('x\n') }),
    )
    const changes = Changes.parse(JSON.parse(read('changes.json'))).changes
    expect(changes).toContainEqual(expect.objectContaining({ path: 'file', sha256: of('mine\n') }))
  })
})

describe('the agent is shut out', () => {
  const refused = async (): Promise<string> => {
    const id = await quarantineOf(instance, 'hostile')
    const [, session = ''] = await sessionsOfLog(instance, 'hostile')
    return `sekisho: QUARANTINED: agent hostile is in quarantine ${id}: it called mount in session ${session}
hint: look with \`sekisho quarantine show ${id}\`; two operators release it with \`sekisho quarantine release ${id}\`
`
  }

  test('it does not start, which is in the log, while another agent does', async () => {
    expect(await sh('hostile', 'true')).toEqual({
      code: 125,
      signal: null,
      stdout: '',
      stderr: await refused(),
    })
    expect(await sh('bystander', 'true')).toMatchObject({ code: 0 })
    const { stdout } = await instance.sekisho('log', 'show', '--json')
    expect(stdout).toContain('"rule":"invariant.quarantine"')
  })

  test('also not after a trivial edit of its file', async () => {
    const path = join(instance.home, 'policy/agents/hostile.yaml')
    writeFileSync(path, stringify({ ...FILES.hostile, description: 'another' }))
    expect(await sh('hostile', 'true')).toMatchObject({ code: 125, stderr: await refused() })
    writeFileSync(path, stringify(FILES.hostile))
  })

  test('without operators nobody can release it, and it says how there come to be two', async () => {
    const key = join(instance.directory, 'alone.key')
    expect(await instance.sekisho('operator', 'keygen', '--out', key)).toMatchObject({ code: 0 })
    const id = await quarantineOf(instance, 'hostile')
    const end = await instance.sekisho('quarantine', 'release', id, '--reason', 'x', '--key', key)
    expect(end).toMatchObject({
      code: 77,
      stderr: `sekisho: PERMISSION_REQUIRED: a release takes two operators, and operators.yaml of the bundle names 0
hint: each operator runs \`sekisho operator keygen\` and adds the line that it prints to operators.yaml
`,
    })
  })

  test('two operators’ signatures let it in again; one’s do not', async () => {
    const keys = ['aiko', 'ben'].map((name) => join(instance.directory, `${name}.key`))
    const lines: string[] = []
    for (const [i, name] of ['aiko', 'ben'].entries()) {
      const made = await instance.sekisho(
        'operator',
        'keygen',
        '--name',
        name,
        '--out',
        keys[i] ?? '',
      )
      lines.push(made.stdout)
      expect(statSync(keys[i] ?? '').mode & 0o777).toBe(0o600)
    }
    writeFileSync(
      join(instance.home, 'policy/operators.yaml'),
      `version: 1\noperators:\n${lines.join('')}`,
    )
    const id = await quarantineOf(instance, 'hostile')
    const release = (key = '', ...more: string[]): ReturnType<Instance['sekisho']> =>
      instance.sekisho('quarantine', 'release', id, '--key', key, ...more)
    const first = await release(keys[0], '--reason', 'a test of ours')
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        'aiko agrees to release agent hostile; it takes one more operator',
      ),
    })
    const again = await release(keys[0])
    expect(again).toMatchObject({
      code: 77,
      stderr:
        'sekisho: PERMISSION_REQUIRED: aiko has agreed already\nhint: a different operator must agree too\n',
    })
    expect(await sh('hostile', 'true')).toMatchObject({ code: 125 })
    expect(await release(keys[1])).toEqual({
      code: 0,
      stdout: 'released by aiko and ben: agent hostile may start again\n',
      stderr: '',
    })
    expect(await sh('hostile', 'echo back')).toMatchObject({ code: 0, stdout: 'back\n' })
  })

  test('the log shows both steps', async () => {
    const { stdout } = await instance.sekisho('log', 'show')
    const id = await quarantineOf(instance, 'hostile')
    const steps = stdout
      .split('\n')
      .filter((line) => line.includes(` quarantine ${id} `) && !line.includes('no session'))
    expect(steps.map((line) => line.replace(/^.*Z (?:s-\w+ )?/, ''))).toEqual([
      expect.stringMatching(
        /^quarantine q-\w+ of agent hostile: it called mount in session s-\w+$/,
      ),
      `quarantine ${id} may be released, says aiko: a test of ours`,
      `quarantine ${id} is released by aiko and ben: a test of ours`,
    ])
    expect(await instance.sekisho('log', 'verify')).toMatchObject({ code: 0 })
  })
})
