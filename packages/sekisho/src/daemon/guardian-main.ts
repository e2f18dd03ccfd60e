import { rmdirSync } from 'node:fs'
import { parseJson } from '../core/parse-json.ts'
import { sweep } from '../sandbox/cgroup.ts'
import { BOX } from './paths.ts'

/**
 * The supervisor's last will. It waits until the pipe to the supervisor closes, however that
 * happens, then kills every process of every session through their cgroups and removes those.
 * (The kernel has by then sent SIGKILL down the parent-death chain; this takes what is left,
 * cgroup directories above all.) It reads nothing and listens to nobody.
 */
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM', 'SIGQUIT'] as const) {
  process.on(signal, () => undefined)
}
const roots: unknown = parseJson(process.argv[2] ?? '[]')
process.stdin.on('error', end)
process.stdin.on('end', end)
process.stdin.resume()
process.stdout.write('ready')

function end(): void {
  if (Array.isArray(roots)) sweep(roots.filter((root) => typeof root === 'string'))
  try {
    rmdirSync(BOX) // only once nothing is mounted on it any more
  } catch {
    // another instance of the platform uses it
  }
  process.exit(0)
}
