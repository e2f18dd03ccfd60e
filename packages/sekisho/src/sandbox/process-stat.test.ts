import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isAlive, readProcessStat } from './process-stat.ts'

/** A process whose name holds what ends a name: `a) Z 1 (`. */
const NAMED =
  'import ctypes, sys; ctypes.CDLL(None).prctl(15, b"a) Z 1 ("); print("ready", flush=True); sys.stdin.read()'

test('a process is read by its state, parent and group, whatever it calls itself', async () => {
  const child = spawn('python3', ['-c', NAMED], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const pid = child.pid ?? 0
  const stat = readProcessStat(pid)
  expect({ parent: stat?.parent, alive: isAlive(pid) }).toEqual({
    parent: process.pid,
    alive: true,
  })
  expect(['R', 'S']).toContain(stat?.state)
  process.kill(pid, 'SIGSTOP')
  await expect.poll(() => readProcessStat(pid)?.state).toBe('T')
  const gone = once(child, 'exit')
  process.kill(pid, 'SIGKILL')
  await gone
  expect({ stat: readProcessStat(pid), alive: isAlive(pid) }).toEqual({
    stat: undefined,
    alive: false,
  })
})
