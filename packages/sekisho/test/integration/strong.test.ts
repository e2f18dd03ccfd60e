import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { leavesOf } from './containment-log.ts'
import { type Ended, type Instance, openInstance, run } from './instance.ts'

const Start = z.looseObject({
  runtime: z.string(),
  isolation: z.string(),
  degraded: z.array(z.string()),
  attestation: z.array(
    z.object({ control: z.string(), held: z.boolean().nullable(), detail: z.string() }),
  ),
})

describe('a session with a kernel of its own', () => {
  let instance: Instance
  let ended: Ended
  let workspace: string
  beforeAll(async () => {
    const hard = { version: 1, name: 'hard', presets: 'none', isolation: 'strong' }
    instance = await openInstance({ agents: { hard } })
    workspace = join(instance.home, 'ws')
    mkdirSync(workspace, { mode: 0o755 })
    writeFileSync(join(workspace, 'file'), 'mine\n')
    chmodSync(workspace, 0o777)
    const script = 'cat file; uname -r; id -u; echo theirs > file; exit 7'
    const flags = ['--agent', 'hard', '--workspace', workspace]
    ended = await run(instance, ['sh', '-c', script], { flags })
  })
  afterAll(async () => instance?.close())

  test('runs the command on another kernel, and its code comes back', () => {
    const [file, kernel, uid] = ended.stdout.split('\n')
    expect({ code: ended.code, stderr: ended.stderr, file, uid }).toEqual({
      code: 7,
      stderr: '',
      file: 'mine',
      uid: '1000',
    })
    expect(kernel).not.toBe(release())
  })

  test('leaves the user’s files as they are', () => {
    expect(readFileSync(join(workspace, 'file'), 'utf8')).toBe('mine\n')
  })

  test('is in the log with what was tried, and what is not seen there', async () => {
    const [first] = await leavesOf(instance, 'hard', 0)
    const start = Start.parse(first)
    expect({ runtime: start.runtime, isolation: start.isolation }).toEqual({
      runtime: 'runsc',
      isolation: 'strong',
    })
    expect(start.attestation.filter(({ held }) => held === false)).toEqual([])
    expect(start.attestation.filter(({ held }) => held === true).length).toBeGreaterThan(5)
    expect(start.degraded).toEqual(expect.arrayContaining(['syscall-record', 'exec-monitor']))
  })
})
