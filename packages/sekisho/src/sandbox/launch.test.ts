import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchCommand } from './launch.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-launch-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

test('every path is a positional argument, and none is text in the script', () => {
  const { file, args } = launchCommand({
    cgroupJoin: ['/cg/a b', "/cg/';reboot"],
    command: ['/usr/bin/crun', 'run', "';reboot"],
  })
  const [deathSignal, signal, shell, option, script, ...rest] = args
  expect([file, deathSignal, signal, shell, option]).toEqual([
    '/usr/bin/setpriv',
    '--pdeathsig',
    'KILL',
    '/bin/sh',
    '-c',
  ])
  expect(script).not.toContain('reboot')
  expect(rest).toEqual(
    [
      ['sekisho-launch', '2', '/cg/a b', "/cg/';reboot"],
      ['/usr/bin/crun', 'run', "';reboot"],
    ].flat(),
  )
})

type Stdio = ('pipe' | number)[]

function launch(cgroupJoin: string[], stdio: Stdio = ['pipe', 'pipe', 'pipe']): ChildProcess {
  const command = ['/usr/bin/printf', '%s|', 'a b', '', '$(reboot)'] as const
  const { file, args } = launchCommand({ cgroupJoin, command })
  return spawn(file, args, { stdio })
}

test('it joins each cgroup before it becomes the runtime', async () => {
  const files = ['a', "b ';$(reboot)"].map((name) => join(directory, name))
  const child = launch(files)
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(said).toBe('a b||$(reboot)|')
  expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(['0\n', '0\n'])
})

test('a cgroup that cannot be joined stops it', async () => {
  const child = launch(['/proc/none/cgroup.procs'])
  expect(await once(child, 'close')).toEqual([121, null])
})

test.for([
  ['/dev/null', 0],
  ['a file of the user’s', 1],
  ['/dev/null as standard error', 2],
] as const)('%s stops it before its owner is changed', async ([name, fd]) => {
  const isNull = name.startsWith('/dev/null')
  const path = isNull ? '/dev/null' : join(directory, 'out.txt')
  const opened = openSync(path, isNull ? 'r+' : 'w')
  const owner = statSync(path).uid
  const stdio: Stdio = ['pipe', 'pipe', 'pipe']
  stdio[fd] = opened
  const child = launch([], stdio)
  closeSync(opened)
  expect(await once(child, 'close')).toEqual([120, null])
  expect(statSync(path).uid).toBe(owner)
})
