/**
 * Adds to package-lock.json what a partial registry made npm leave out.
 *
 * Tools with native code name one optional package for each platform. npm drops from the lock file
 * those that the registry at hand does not serve, and `npm ci` then refuses the lock file
 * everywhere. Their versions are pinned by the package that names them, and on the platform that
 * Sekisho runs on they are never fetched, so an entry without a checksum is enough.
 *
 * Run after a change of dependencies: `.runtime/node scripts/complete-lock.ts`
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'

const Entry = z.looseObject({
  dev: z.boolean().exactOptional(),
  optionalDependencies: z.record(z.string(), z.string()).exactOptional(),
})
const Lock = z.looseObject({ packages: z.record(z.string(), Entry) })
const Raw = z.record(z.string(), z.unknown())
type Lock = z.infer<typeof Lock>

const OS = /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)\b/
const CPU = /\b(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)\b/

/** Entries that are named as optional dependencies and are not there, by their path. */
export function missingEntries({ packages }: Lock): Record<string, object> {
  const missing: Record<string, object> = {}
  for (const { dev, optionalDependencies = {} } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`
      if (Object.hasOwn(packages, path)) continue
      missing[path] = { version, cpu: [cpuOf(name)], ...(dev === true && { dev }), ...rest(name) }
    }
  }
  return missing
}

function rest(name: string): object {
  const os = OS.exec(name)?.[0]
  // Without its platform npm would try to fetch it: better to stop here and look.
  if (os === undefined) throw new Error(`${name}: no operating system in its name`)
  return { ...(name.endsWith('-musl') && { libc: ['musl'] }), optional: true, os: [os] }
}

function cpuOf(name: string): string {
  const cpu = CPU.exec(name)?.[0]
  if (cpu === undefined) throw new Error(`${name}: no processor in its name`)
  return cpu
}

export function readLock(path: string): Lock {
  return Lock.parse(JSON.parse(readFileSync(path, 'utf8')))
}

function completeLock(path: string): void {
  const missing = missingEntries(readLock(path))
  // Untouched values in their own order: the file's differences are to be read by people.
  const file = Raw.parse(JSON.parse(readFileSync(path, 'utf8')))
  const packages = Object.entries({ ...Raw.parse(file['packages']), ...missing })
  packages.sort(([one], [other]) => one.localeCompare(other, 'en'))
  const text = JSON.stringify({ ...file, packages: Object.fromEntries(packages) }, null, 2)
  writeFileSync(path, `${text}\n`)
  process.stdout.write(`${Object.keys(missing).length} entries added\n`)
}

if (import.meta.main) completeLock(join(import.meta.dirname, '..', 'package-lock.json'))
