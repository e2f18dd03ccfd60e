import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { setTimeSlice, timeSliceOf } from './scheduling.ts'

test('every thread of a process gets the slice, and nobody else', async () => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => 0, 1e6)'])
  await once(child.stdout, 'data')
  const before = timeSliceOf(process.pid)
  expect(setTimeSlice(child.pid ?? 0, 100)).toBe(true)
  const threads = readdirSync(`/proc/${child.pid}/task`).map(Number)
  expect(threads.length).toBeGreaterThan(1)
  expect(new Set(threads.map(timeSliceOf))).toEqual(new Set([100]))
  expect(timeSliceOf(process.pid)).toBe(before)
  child.kill()
  await once(child, 'exit')
})

test('of a process that is not there nothing can be set', () => {
  expect(() => setTimeSlice(4_194_304, 100)).toThrow('ENOENT')
})
