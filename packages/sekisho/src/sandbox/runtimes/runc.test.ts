import { expect, test } from 'vitest'
import type { OciMount } from '../oci-types.ts'
import { checkVersion, runc } from './runc.ts'
import { SPEC } from './testing/spec.ts'

const REQUEST = { id: 's-1', bundle: '/b', root: '/r', pidFile: '/p', consoleSocket: null }

test('cgroups are read-only for it, and its container has no cgroup’s name', () => {
  const command = runc.command(REQUEST)
  expect(command.slice(0, 6).join(' ')).toBe(
    '/usr/bin/unshare --mount --propagation slave -- /bin/sh',
  )
  expect(command[7]).toContain('remount,bind,ro /sys/fs/cgroup || exit')
  expect(command.slice(9)).toEqual(
    [
      ['/usr/bin/runc', '--rootless=true', '--root', '/r/s-1', 'run'],
      ['--bundle', '/b', '--pid-file', '/p', 's-1.runc'],
    ].flat(),
  )
})

test('for a terminal it is attended, every path an argument', () => {
  const command = runc.command({ ...REQUEST, bundle: '/b;reboot', consoleSocket: '/c' })
  expect(command.filter((word) => word.includes('reboot'))).toEqual(['/b;reboot'])
  expect(command.slice(12)).toEqual(
    [
      ['/b;reboot', '/p', '/c', 's-1.runc'],
      ['/usr/bin/runc', '--rootless=true', '--root', '/r/s-1'],
    ].flat(),
  )
})

test('decoys in /proc, where it mounts nothing, are masked or read-only instead', () => {
  const decoy = (destination: string): OciMount => ({
    destination,
    type: 'none',
    source: '/decoy',
    options: ['bind', 'rw'],
  })
  const { mounts, linux } = SPEC
  const spec = { ...SPEC, mounts: [...mounts, decoy('/proc/sysrq-trigger')] }
  expect(runc.adapt(spec)).toEqual({
    ...SPEC,
    annotations: {},
    mounts: mounts.filter(({ destination }) => destination !== '/proc/kcore'),
    linux: {
      ...linux,
      maskedPaths: ['/proc/keys', '/proc/kcore'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger'],
    },
  })
})

const LIBRARY = 'libseccomp: 2.5.4'

test.for([
  [`runc version 1.1.5+ds1\ncommit: x\n${LIBRARY}`, '1.1.5+ds1'],
  [`runc version 1.3.0\n${LIBRARY}\n`, '1.3.0'],
] as const)('%j is good enough', ([text, want]) => {
  expect(checkVersion(text)).toBe(want)
})

test.for([
  `runc version 1.0.3\n${LIBRARY}`,
  'runc version 1.1.5\n',
  `crun version 1.8.1\n${LIBRARY}`,
])('%j is not', (text) => {
  expect(() => checkVersion(text)).toThrow(/older|cannot filter/)
})
