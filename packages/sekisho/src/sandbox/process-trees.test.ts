import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import type { SessionCgroup } from './cgroup.ts'
import { openProcessTrees } from './process-trees.ts'

const LIMITS = { memoryBytes: 2 ** 30, pids: 77, cpuMillis: 1000 }

/** A launcher whose child is the first of a process namespace, as a runtime's is. */
async function launch(script: string): Promise<{ tree: SessionCgroup; launcher: ChildProcess }> {
  const tree = openProcessTrees().create('berth-1', null)
  const launcher = spawn('unshare', ['--pid', '--fork', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  tree.started(launcher.pid ?? 0)
  onTestFinished(() => void tree.remove())
  await once(launcher.stdout, 'data')
  return { tree, launcher }
}

const statesOf = (pids: readonly string[]): string[] =>
  pids.map((pid) => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '')
const pidsIn = (tree: SessionCgroup): string[] =>
  readFileSync(tree.processesFile, 'utf8').split(/\s+/).filter(Boolean)

const CROWD = 'sleep 1000 & sleep 1000 & (setsid sleep 1000 &); echo up; wait'

test('every process is stopped, and goes on when nobody holds it any more', async () => {
  const { tree } = await launch(CROWD)
  await expect.poll(() => pidsIn(tree)).toHaveLength(3)
  await Promise.all([tree.freeze(), tree.freeze()])
  expect(statesOf(pidsIn(tree))).toEqual(['T', 'T', 'T'])
  tree.thaw()
  expect(statesOf(pidsIn(tree))).toEqual(['T', 'T', 'T'])
  tree.thaw()
  await expect.poll(() => statesOf(pidsIn(tree))).toEqual(['S', 'S', 'S'])
})

test('a process that starts others faster than they are stopped is stopped', async () => {
  const { tree } = await launch(
    'while :; do sleep 1000 & kill -CONT $! 2>/dev/null; done & echo up; wait',
  )
  await tree.freeze()
  const pids = pidsIn(tree)
  expect(new Set(statesOf(pids))).toEqual(new Set(['T']))
  expect(pidsIn(tree)).toEqual(pids)
})

test('the limit is on what runs when the agent begins', async () => {
  const { tree } = await launch(CROWD)
  await expect.poll(() => pidsIn(tree)).toHaveLength(3)
  tree.limit(LIMITS)
  tree.begin()
  for (const pid of pidsIn(tree)) {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
    expect(limits).toMatch(/^Max processes\s+77\s+77\s/m)
  }
})

test('a sandbox without a process, or without limits, does not begin', async () => {
  const empty = openProcessTrees().create('berth-1', null)
  empty.limit(LIMITS)
  expect(() => empty.begin()).toThrow('the sandbox has no process to limit')
  const { tree } = await launch(CROWD)
  expect(() => tree.begin()).toThrow('the sandbox has no process to limit')
})

test('killed, none of it is left: not what has left its parents, nor what is stopped', async () => {
  const { tree, launcher } = await launch(CROWD)
  await expect.poll(() => pidsIn(tree)).toHaveLength(3)
  const pids = pidsIn(tree)
  expect(tree.isEmpty()).toBe(false)
  await tree.freeze()
  const exited = once(launcher, 'exit')
  tree.kill()
  await exited
  await expect.poll(() => tree.isEmpty()).toBe(true)
  expect(tree.remove()).toBe(true)
  for (const pid of pids) expect(() => statesOf([pid])).toThrow('ENOENT')
})

test('what never started is empty and removed', () => {
  const tree = openProcessTrees().create('berth-1', null)
  expect({ isEmpty: tree.isEmpty(), removed: tree.remove(), usage: tree.usage() }).toEqual({
    isEmpty: true,
    removed: true,
    usage: {},
  })
})
