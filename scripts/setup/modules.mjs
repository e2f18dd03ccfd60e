import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError, excerptOf, timed } from './report.mjs'

const INSTALL_TIMEOUT_MS = 900_000
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024

/**
 * @typedef {{ version?: string, integrity?: string, resolved?: string, optional?: boolean }} Entry
 * @typedef {Readonly<Record<string, Entry>>} Entries
 */

/**
 * Whether node_modules is what package-lock.json says. npm writes its own account of what it has
 * installed at the end of an installation, so an interrupted one never looks complete.
 *
 * @param {string} root
 */
export function modulesAreCurrent(root) {
  const installed = readEntries(join(root, 'node_modules', '.package-lock.json'))
  const wanted = readEntries(join(root, 'package-lock.json'))
  if (wanted === undefined)
    throw new SetupError('package-lock.json is not there or is no lock file')
  return installed !== undefined && matches(wanted, installed)
}

/**
 * Optional packages for other platforms stand in the lock file and are rightly not installed.
 *
 * @param {Entries} wanted
 * @param {Entries} installed
 */
export function matches(wanted, installed) {
  const all = Object.entries(wanted).every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') || entry.optional === true || path in installed,
  )
  return all && Object.entries(installed).every(([path, entry]) => same(entry, wanted[path]))
}

/**
 * @param {Entry} one
 * @param {Entry | undefined} other
 */
function same(one, other) {
  if (one.version !== other?.version || one.integrity !== other?.integrity) return false
  // `resolved` tells workspace links apart; for a package it only names the registry.
  return one.integrity !== undefined || one.resolved === other?.resolved
}

/**
 * @param {string} path
 * @returns {Entries | undefined}
 */
function readEntries(path) {
  if (!existsSync(path)) return undefined
  try {
    const { packages } = JSON.parse(readFileSync(path, 'utf8'))
    return typeof packages === 'object' && packages !== null ? packages : undefined
  } catch {
    return undefined // cut off in the middle of a write: as good as not there
  }
}

/**
 * `npm ci` with the npm that runs us and its own configuration.
 *
 * @param {string} root
 */
export function installModules(root) {
  timed('installing npm packages and the pinned Node', () => {
    const args = ['ci', '--ignore-scripts', '--include=dev', '--no-progress', '--loglevel=warn']
    const [program, ...first] = npmCommand(process.env)
    const done = spawnSync(program, [...first, ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    })
    if (done.status === 0) return
    const output = [done.stdout, done.stderr, done.error?.message].filter(Boolean).join('\n')
    throw new SetupError(`npm ci failed\n${excerptOf(output)}`, {
      hint: 'check this machine’s npm configuration and network: npm ping',
    })
  })
}

/**
 * The same npm, on the Node that it runs on: the `node` in PATH may be the pinned one, which
 * `npm ci` is about to delete.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {[string, ...string[]]}
 */
export function npmCommand({ npm_execpath: npm, npm_node_execpath: node }) {
  if (npm === undefined) return ['npm']
  return npm.endsWith('.js') && node !== undefined ? [node, npm] : [npm]
}
