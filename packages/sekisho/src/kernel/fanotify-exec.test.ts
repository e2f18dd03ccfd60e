import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ExecAttempt, type ExecDecision, type ExecWatch, watchExecs } from './fanotify-exec.ts'
import { mount, unmount } from './mounts.ts'
import { listOpen } from './open-descriptors.ts'
import { createReactor, type Reactor } from './reactor.ts'

const errors: unknown[] = []
const attempts: ExecAttempt[] = []
const children: ChildProcess[] = []
let directory = ''
let program = ''
let reactor: Reactor
let watch: ExecWatch
let decide: () => ExecDecision | Promise<ExecDecision> = () => 'allow'

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'execs-'))
  mount({ source: 'tmpfs', target: directory, type: 'tmpfs', flags: 0, options: null })
  program = join(directory, 'program')
  copyFileSync('/bin/true', program)
  decide = () => 'allow'
  reactor = createReactor({ onError: (error) => void errors.push(error) })
  watch = watchExecs({
    reactor,
    decide: (attempt) => {
      attempts.push(attempt)
      return decide()
    },
  })
  watch.addFileSystem(directory)
})
afterEach(async () => {
  vi.useRealTimers()
  watch.close()
  reactor.close()
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  unmount(directory)
  rmSync(directory, { recursive: true })
  errors.length = 0
  attempts.length = 0
})

/** Runs the program as a grandchild: spawn(2) itself waits on this thread for the first exec. */
async function run(script = 'true; "$1"'): Promise<unknown> {
  const child = spawn('sh', ['-c', script, 'sh', program], { stdio: 'ignore' })
  children.push(child)
  const [code]: unknown[] = await once(child, 'close')
  return code
}

test('an exec asks once, with the file and the thread that waits', async () => {
  expect(await run('exec "$1"')).toBe(0)
  expect(attempts).toEqual([{ fd: expect.any(Number), tid: children[0]?.pid }])
})

test('what is denied does not run; programs of other file systems are not asked about', async () => {
  decide = () => 'deny'
  expect(await run()).toBe(126)
  expect(attempts.length).toBeGreaterThan(0)
  const asked = attempts.length
  expect(await run('true')).toBe(0)
  expect(attempts.length).toBe(asked)
})

test('reading a program is no exec', async () => {
  decide = () => 'deny'
  expect(await run('cat "$1"')).toBe(0)
  expect(attempts).toEqual([])
})

test('the exec waits for the decision', async () => {
  const decided = Promise.withResolvers<ExecDecision>()
  const asked = Promise.withResolvers<void>()
  decide = () => {
    asked.resolve()
    return decided.promise
  }
  const running = run()
  await asked.promise
  await readFile('/proc/self/stat') // the loop turns meanwhile
  expect(children[0]?.exitCode).toBeNull()
  decided.resolve('allow')
  expect(await running).toBe(0)
})

test.for([
  { name: 'rejects', decision: () => Promise.reject(new Error('no log')) },
  {
    name: 'throws',
    decision: () => {
      throw new Error('no log')
    },
  },
])('a decision that $name denies, and is reported', async ({ decision }) => {
  decide = decision
  expect(await run()).toBe(126)
  expect(errors[0]).toEqual(new Error('no log'))
})

test('a decision that never comes denies after five seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const asked = Promise.withResolvers<void>()
  decide = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  const running = run('exec "$1"')
  await asked.promise
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await running).toBe(126)
  expect(errors).toMatchObject([{ code: 'TIMEOUT' }])
})

test('close denies who waits and lets go of everything', async () => {
  const asked = Promise.withResolvers<void>()
  decide = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const running = run('exec "$1"')
  await asked.promise
  watch.close()
  watch.close()
  expect(await running).toBe(126)
  expect(await run()).toBe(0)
  expect(listOpen('fanotify')).toEqual([])
})

test('a file system that is removed is left alone, mounted or not', async () => {
  decide = () => 'deny'
  watch.removeFileSystem(directory)
  watch.removeFileSystem(directory)
  expect(await run()).toBe(0)
})

test('a file system that others execute from is refused, and so is a mere directory', () => {
  const plain = join(directory, 'plain')
  mkdirSync(plain)
  for (const path of ['/', '/usr', tmpdir(), plain]) {
    expect(() => watch.addFileSystem(path)).toThrow('is no file system of its own')
  }
})
