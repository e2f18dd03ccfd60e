import { expect, test } from 'vitest'
import { checkVersion, crun } from './crun.ts'

const REQUEST = { id: 's-1', bundle: '/b', root: '/r', pidFile: '/p', consoleSocket: null }

test('it runs the bundle in the foreground and leaves cgroups alone', () => {
  expect(crun.command(REQUEST)).toEqual(
    [
      ['/usr/bin/crun', '--root', '/r', '--cgroup-manager=disabled', 'run'],
      ['--bundle', '/b', '--pid-file', '/p', 's-1'],
    ].flat(),
  )
  expect(crun.command({ ...REQUEST, consoleSocket: '/c' }).slice(-3)).toEqual([
    '--console-socket',
    '/c',
    's-1',
  ])
})

test.for([
  ['crun version 1.8.1\n+SECCOMP +CAP', '1.8.1'],
  ['crun version 1.21\ncommit: x\n+SYSTEMD +SECCOMP', '1.21'],
  ['crun version 2.0-rc1\n+SECCOMP', '2.0-rc1'],
] as const)('%j is good enough', ([text, want]) => {
  expect(checkVersion(text)).toBe(want)
})

test.for([
  'crun version 1.7.2\n+SECCOMP',
  'crun version 0.17\n+SECCOMP',
  'crun version 1.8.1\n+CAP',
  'runc',
])('%j is not', (text) => {
  expect(() => checkVersion(text)).toThrow(/older|cannot filter/)
})
