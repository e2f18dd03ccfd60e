import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createReactor } from '../kernel/reactor.ts'
import { MEMFD_NOEXEC } from './exec-memory.ts'
import { probeExecMonitor } from './exec-probe.ts'

test('a host with all of it lacks nothing', () => {
  const reactor = createReactor({ onError: () => undefined })
  const lacking = probeExecMonitor(reactor)
  reactor.close()
  expect(lacking.filter((line) => !line.includes('memfd_noexec'))).toEqual([])
  expect(lacking.length).toBe(existsSync(MEMFD_NOEXEC) ? 0 : 1)
})

test('without the host’s root it is said that no exec is recorded', () => {
  const probe = `
    import { createReactor } from '${join(import.meta.dirname, '../kernel/reactor.ts')}'
    import { probeExecMonitor } from '${join(import.meta.dirname, 'exec-probe.ts')}'
    const reactor = createReactor({ onError: () => undefined })
    console.log(JSON.stringify(probeExecMonitor(reactor)))
    reactor.close()`
  const node = [process.execPath, '--input-type=module', '-e', probe]
  const { stdout, stderr } = spawnSync('unshare', ['--user', '--map-root-user', ...node], {
    encoding: 'utf8',
  })
  expect({ stdout, stderr }).toEqual({
    stdout: expect.stringMatching(/^\["exec-monitor: .*no exec is recorded or refused"\]\n$/),
    stderr: '',
  })
})
