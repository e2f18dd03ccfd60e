import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { SetupError, excerptOf, timed } from './report.mjs'

// Absolute: npm puts node_modules/.bin first in PATH, and no dependency may stand in for these.
export const DPKG_QUERY = '/usr/bin/dpkg-query'
export const APT_GET = '/usr/bin/apt-get'

const LISTS = '/var/lib/apt/lists'
const UPDATE_TIMEOUT_MS = 180_000
const INSTALL_TIMEOUT_MS = 900_000
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024

/**
 * @param {readonly string[]} wanted
 * @returns {string[]} those that are not fully installed, in the given order
 */
export function missingPackages(wanted) {
  if (wanted.length === 0) return []
  const asked = spawnSync(
    DPKG_QUERY,
    ['--show', '--showformat=${Package} ${db:Status-Status}\\n', ...wanted],
    { encoding: 'utf8', timeout: 30_000 },
  )
  if (asked.error !== undefined) {
    throw new SetupError('dpkg-query cannot be run', { cause: asked.error })
  }
  // It exits with 1 when a name is unknown to it: that is an answer, not a failure.
  const installed = new Set(asked.stdout.split('\n'))
  return wanted.filter((name) => !installed.has(`${name} installed`))
}

/**
 * @param {readonly string[]} missing
 * @throws {SetupError} with exit code 77 when something is missing and only root could install it
 */
export function refuseAsUser(missing) {
  if (missing.length === 0 || process.getuid?.() === 0) return
  throw new SetupError(`Debian packages are missing: ${missing.join(' ')}`, {
    hint: `ask for them: sudo apt-get install --no-install-recommends ${missing.join(' ')}`,
    exitCode: 77,
  })
}

/**
 * Installs with the machine's own apt sources; the package lists are fetched only when they are
 * not there, or are too old to install from.
 *
 * @param {readonly string[]} packages
 */
export function installPackages(packages) {
  timed(`installing Debian packages: ${packages.join(' ')}`, () => {
    if (haveLists() && install(packages).ok) return
    update()
    const { ok, output } = install(packages)
    if (ok) return
    throw new SetupError(`apt-get install failed\n${excerptOf(output)}`, {
      hint: `see what is wrong with: apt-get install ${packages.join(' ')}`,
    })
  })
}

function haveLists() {
  return readdirSync(LISTS).some((name) => name.includes('_Packages'))
}

function update() {
  const result = aptGet(['update'], UPDATE_TIMEOUT_MS)
  if (result.ok) return
  throw new SetupError(`apt-get update failed\n${excerptOf(result.output)}`, {
    hint: 'check this machine’s apt sources and network',
  })
}

/** @param {readonly string[]} packages */
function install(packages) {
  return aptGet(['install', '-y', '--no-install-recommends', ...packages], INSTALL_TIMEOUT_MS)
}

/**
 * @param {readonly string[]} args
 * @param {number} timeoutMs
 * @returns {{ ok: boolean, output: string }}
 */
function aptGet(args, timeoutMs) {
  const done = spawnSync(
    APT_GET,
    ['-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=2', ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      maxBuffer: MAX_OUTPUT_BYTES,
    },
  )
  const trouble = done.error === undefined ? '' : `\n${done.error.message}`
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}${trouble}` }
}
