import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Instance, LAUNCHER, openInstance, processesOf, start } from './instance.ts'
import { descriptorsOf } from './traces.ts'

let instance: Instance
beforeAll(async () => {
  instance = await openInstance()
})
afterAll(async () => instance?.close())

const runs = [
  ['on a terminal', '"$SEKISHO" run -- echo done'],
  ['with its output alone on a terminal', '"$SEKISHO" run -- echo done < /dev/null'],
  ['with its input alone on a terminal', '"$SEKISHO" run -- echo done | cat'],
] as const

// a descriptor that stayed open would keep the terminal from hanging up: its window, or the
// connection behind it, would never close
test.for(runs)('after a command %s the platform holds no terminal', async ([, script]) => {
  const env = { ...instance.env, SEKISHO: LAUNCHER, TERM: 'vt220', SHELL: '/bin/sh' }
  const command = ['script', '--quiet', '--return', '--command', script, '/dev/null'] as const
  const { code, stdout } = await start(command, { env }).ended
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\r\n' })
  const { supervisor = 0 } = await processesOf(instance)
  expect(descriptorsOf(supervisor)).not.toEqual([])
  expect(descriptorsOf(supervisor).filter((link) => link.includes('/pts/'))).toEqual([])
})
