import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError, say } from './report.mjs'

const FLOCK = '/usr/bin/flock'
const WAIT_S = 1200

/**
 * Lets one set-up at a time work in a clone.
 *
 * flock(1) locks the open file that it shares with us, so the lock stays when flock has exited and
 * goes when this process does, however it ends: no stale lock is possible.
 *
 * @param {string} root
 * @returns {() => void} gives the lock back
 */
export function takeLock(root) {
  mkdirSync(join(root, '.runtime'), { recursive: true })
  const file = openSync(join(root, '.runtime', 'setup.lock'), 'w')
  if (flock(file, ['-n'])) return () => closeSync(file)
  say('another set-up works in this clone: waiting for it')
  if (flock(file, ['-w', String(WAIT_S)])) return () => closeSync(file)
  throw new SetupError(`another set-up has held .runtime/setup.lock for ${WAIT_S} s`, {
    hint: 'see which one with: fuser -v .runtime/setup.lock',
  })
}

/**
 * @param {number} file
 * @param {readonly string[]} how
 */
function flock(file, how) {
  const done = spawnSync(FLOCK, [...how, '3'], { stdio: ['ignore', 'ignore', 'inherit', file] })
  if (done.error !== undefined) throw new SetupError('flock cannot be run', { cause: done.error })
  return done.status === 0
}
