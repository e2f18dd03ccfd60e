import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type TripwireEvent, type Tripwires, watchTripwires } from './fanotify.ts'
import { listOpen } from './open-descriptors.ts'
import { createReactor, type Reactor } from './reactor.ts'

type Ended = { pid: number | undefined; code: unknown; output: string }

const errors: unknown[] = []
const events: TripwireEvent[] = []
const children: ChildProcess[] = []
let directory = ''
let decoy = ''
let openBefore = 0
let reactor: Reactor
let tripwires: Tripwires
let onOpen: (event: TripwireEvent) => void | Promise<void> = () => undefined

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fanotify-'))
  decoy = join(directory, 'id_rsa')
  writeFileSync(decoy, '#!/bin/sh\necho the decoy was read\n', { mode: 0o755 })
  openBefore = countOpen()
  onOpen = () => undefined
  reactor = createReactor({ onError: (error) => void errors.push(error) })
  tripwires = watchTripwires({
    reactor,
    onOpen: (event) => {
      events.push(event)
      return onOpen(event)
    },
  })
  tripwires.add(decoy)
})
afterEach(async () => {
  vi.useRealTimers()
  tripwires.close() // first: nothing of ours may open a decoy before
  reactor.close()
  await Promise.all(children.splice(0).map(end))
  rmSync(directory, { recursive: true })
  errors.length = 0
  events.length = 0
})

function countOpen(): number {
  return listOpen('fanotify', '[eventpoll]', directory).length
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Standard error goes to the output too. */
async function run(script: string): Promise<Ended> {
  const child = spawn('sh', ['-c', `exec 2>&1; ${script}`, 'sh', decoy, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  })
  children.push(child)
  let output = ''
  child.stdout.on('data', (text: Buffer) => void (output += text.toString()))
  const [code]: unknown[] = await once(child, 'close')
  return { pid: child.pid, code, output }
}

test('an open is recorded with its process, and denied', async () => {
  const { pid, code, output } = await run('exec cat "$1"')
  expect({ code, output }).toEqual({ code: 1, output: `cat: ${decoy}: Operation not permitted\n` })
  expect(events).toEqual([{ path: decoy, pid, command: '/usr/bin/cat' }])
  expect(errors).toEqual([])
})

test('the opener waits until the record is there', async () => {
  const record = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  onOpen = () => {
    opened.resolve()
    return record.promise
  }
  const running = run('exec cat "$1"')
  await opened.promise
  await readFile('/proc/self/stat') // the loop turns meanwhile
  expect(children[0]?.exitCode).toBeNull()
  record.resolve()
  expect((await running).code).toBe(1)
})

test.for([
  { name: 'execution', script: '"$1"', denied: /Operation not permitted/ },
  { name: 'writing', script: 'echo x >> "$1"', denied: /Operation not permitted/ },
  { name: 'reading through a hard link', script: 'ln "$1" "$2/l"; cat "$2/l"', denied: /l: Op/ },
])('$name is denied and recorded', async ({ script, denied }) => {
  const { code, output } = await run(script)
  expect(code).not.toBe(0)
  expect(output).toMatch(denied)
  expect(output).not.toContain('the decoy was read')
  expect(new Set(events.map(({ path }) => path))).toEqual(new Set([decoy]))
})

test('a decoy is watched through a bind mount in another mount namespace', async () => {
  writeFileSync(join(directory, 'inside'), '')
  const { code, output } = await run(
    'cd "$2" && exec unshare --mount sh -c \'mount --bind id_rsa inside && cat inside\'',
  )
  expect({ code, output }).toEqual({ code: 1, output: 'cat: inside: Operation not permitted\n' })
  expect(events).toMatchObject([{ path: decoy, command: '/usr/bin/cat' }])
})

test('its neighbours are left alone, and so is a decoy once removed', async () => {
  writeFileSync(join(directory, 'neighbour'), 'fine')
  expect(await run('cat "$2/neighbour"')).toMatchObject({ code: 0, output: 'fine' })
  tripwires.remove(decoy)
  tripwires.remove(decoy)
  expect(await run('"$1"')).toMatchObject({ code: 0, output: 'the decoy was read\n' })
  expect(events).toEqual([])
})

test('a decoy that was deleted can be removed', () => {
  rmSync(decoy)
  tripwires.remove(decoy)
  expect(errors).toEqual([])
})

test('our own process is let through and leaves no record', async () => {
  expect(await readFile(decoy, 'utf8')).toContain('the decoy was read')
  expect(events).toEqual([])
})

test.for([
  { name: 'fails', record: () => Promise.reject(new Error('log is gone')) },
  {
    name: 'throws',
    record: () => {
      throw new Error('log is gone')
    },
  },
])('a record that $name is reported, and the open is denied all the same', async ({ record }) => {
  onOpen = record
  expect(await run('exec cat "$1"')).toMatchObject({ code: 1 })
  expect(errors).toEqual([new Error('log is gone')])
})

test('a record that never ends holds the denial back for five seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const opened = Promise.withResolvers<void>()
  onOpen = () => {
    opened.resolve()
    return new Promise(() => {})
  }
  const running = run('exec cat "$1"')
  await opened.promise
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await running).toMatchObject({ code: 1 })
  expect(errors).toMatchObject([{ code: 'TIMEOUT' }])
})

test('a flood waits in the kernel and is denied and recorded to the last', async () => {
  let inFlight = 0
  const most: number[] = []
  const full = Promise.withResolvers<void>()
  onOpen = async () => {
    inFlight += 1
    most.push(inFlight)
    if (inFlight === 64) full.resolve()
    await full.promise
    await new Promise((resolve) => void setImmediate(resolve))
    inFlight -= 1
  }
  const { output } = await run(`for i in $(seq 80); do
    (cat "$1" 2>/dev/null && echo read || echo denied) & done; wait`)
  expect(output).toBe('denied\n'.repeat(80))
  expect({ recorded: events.length, most: Math.max(...most) }).toEqual({ recorded: 80, most: 64 })
})

test('a waiting opener that is killed is no error', async () => {
  const record = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  onOpen = () => {
    opened.resolve()
    return record.promise
  }
  const running = run('exec cat "$1"')
  await opened.promise
  children[0]?.kill('SIGKILL')
  await running
  record.resolve()
  tripwires.close()
  reactor.close()
  expect({ errors, open: countOpen() }).toEqual({ errors: [], open: openBefore })
})

test('close denies whoever waits and lets go of everything', async () => {
  const opened = Promise.withResolvers<void>()
  onOpen = () => {
    opened.resolve()
    return new Promise(() => {})
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }) // the record never times out
  const running = run('exec cat "$1"')
  await opened.promise
  tripwires.close()
  tripwires.close()
  expect(await running).toMatchObject({ code: 1 })
  expect(await run('"$1"')).toMatchObject({ code: 0, output: 'the decoy was read\n' })
  reactor.close()
  expect({ errors, open: countOpen() }).toEqual({ errors: [], open: openBefore })
})

test.for([
  { name: 'a directory', make: (path: string): unknown => mkdirSync(path) },
  { name: 'a symbolic link', make: (path: string): unknown => symlinkSync('/etc/passwd', path) },
])('$name is refused as a decoy', ({ make }) => {
  const path = join(directory, 'other')
  make(path)
  expect(() => tripwires.add(path)).toThrow('is no regular file')
})
