import { existsSync } from 'node:fs'
import { APT_GET, DPKG_QUERY } from './debian.mjs'
import { SetupError } from './report.mjs'

/**
 * @param {{ platform: string, arch: string, version: string, debian: boolean }} machine
 * @throws {SetupError} when it is not one that Sekisho runs on
 */
export function checkPlatform(machine = thisMachine()) {
  const major = Number(machine.version.split('.')[0])
  if (machine.platform !== 'linux' || machine.arch !== 'x64') {
    throw new SetupError(
      `Sekisho needs Linux on x86-64; this is ${machine.platform} ${machine.arch}`,
    )
  }
  if (!(major >= 20)) {
    throw new SetupError(`set-up needs Node 20 or later; this is ${machine.version}`, {
      hint: 'install a newer nodejs and npm, then run the same command again',
    })
  }
  if (!machine.debian) {
    throw new SetupError(
      'Sekisho needs Debian 12 or a relative of it: no dpkg-query or apt-get here',
    )
  }
}

function thisMachine() {
  return {
    platform: process.platform,
    arch: process.arch,
    version: process.versions.node,
    debian: existsSync(DPKG_QUERY) && existsSync(APT_GET),
  }
}
