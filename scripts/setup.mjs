/**
 * Makes a fresh clone ready: `node scripts/setup.mjs <command>`, before the command itself is run.
 *
 * Plain JavaScript on the standard library of Node 20, because nothing is installed yet. Each step
 * looks at what is there and does only what is missing, so a second run costs milliseconds and an
 * interrupted one is continued. Says nothing when there is nothing to do; speaks on stderr only.
 */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packagesFor } from './setup/debian-packages.mjs'
import { installPackages, missingPackages, refuseAsUser } from './setup/debian.mjs'
import { SetupError, say } from './setup/report.mjs'
import { takeLock } from './setup/lock.mjs'
import { installModules, modulesAreCurrent } from './setup/modules.mjs'
import { checkPlatform } from './setup/platform.mjs'
import { prepareRuntime, runtimeIsReady } from './setup/runtime.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** @param {string} command */
function setUp(command) {
  const startedMs = performance.now()
  const wanted = packagesFor(command)
  checkPlatform()
  if (missingPackages(wanted).length === 0 && modulesAreCurrent(root) && runtimeIsReady(root)) {
    return
  }
  refuseAsUser(missingPackages(wanted)) // before the long download, not after it
  const release = takeLock(root)
  // Another set-up may have finished while this one waited: look again.
  const missing = missingPackages(wanted)
  if (missing.length > 0) installPackages(missing)
  if (!modulesAreCurrent(root)) installModules(root)
  prepareRuntime(root)
  release()
  say(`ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
}

/** @param {unknown} thrown */
function fail(thrown) {
  if (thrown instanceof SetupError) {
    say(thrown.message)
    if (thrown.hint !== '') say(thrown.hint)
    return thrown.exitCode
  }
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EACCES') {
    say(`${thrown.message}: run this as the owner of the clone`)
    return 77
  }
  throw thrown
}

try {
  setUp(process.argv[2] ?? '')
} catch (thrown) {
  process.exitCode = fail(thrown)
}
