import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MOUNT_FLAGS, mount, unmount } from '../kernel/mounts.ts'
import { type Cgroups, openCgroups } from './cgroup.ts'

const LIMITS = { memoryBytes: 2 ** 26, pids: 12, cpuMillis: 500 }

let directory: string
let cgroups: Cgroups | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-cgroup-'))
  mount({
    source: 'none',
    target: directory,
    type: 'cgroup2',
    flags: MOUNT_FLAGS.noSetuid,
    options: null,
  })
})
afterEach(() => {
  cgroups?.close()
  cgroups = undefined
  unmount(directory)
  rmSync(directory, { recursive: true })
})

/** A unified hierarchy that has none of the controllers, as this process were to see it. */
function open(mayLack: boolean): Cgroups {
  const options = {
    instance: `lacking-${process.pid}`,
    under: directory,
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: '0::/\n',
  }
  cgroups = openCgroups(mayLack ? { ...options, mayLack } : options)
  return cgroups
}

const offered = (): string[] =>
  readFileSync(join(directory, 'cgroup.controllers'), 'utf8').split(/\s+/)
const lacking = (): string[] =>
  ['memory', 'pids', 'cpu'].filter((name) => !offered().includes(name))

test('what is not delegated is named, and the rest of a session holds', async () => {
  const delegated = open(true)
  expect(delegated.degraded).toEqual(
    lacking().map((name) => `limits: no cgroup controller for ${name} is delegated to this user`),
  )
  const session = delegated.create('berth-1', LIMITS)
  const child = spawn('sh', [
    '-c',
    'echo 0 > "$0" && echo up && exec sleep 1000',
    ...session.joinPaths,
  ])
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  expect(session.isEmpty()).toBe(false)
  expect(readFileSync(session.processesFile, 'utf8')).toBe(`${child.pid}\n`)
  await session.freeze()
  session.kill()
  await exited
  expect(session.remove()).toBe(true)
  expect(existsSync(session.processesFile)).toBe(false)
})

test('root’s platform refuses a host that lacks a controller', () => {
  const opening = (): unknown => open(false)
  if (lacking().length > 0) expect(opening).toThrow(`no cgroup controller for ${lacking()[0]}`)
  else expect(opening).not.toThrow()
})
