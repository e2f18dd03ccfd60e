import { readdirSync, readlinkSync } from 'node:fs'

/**
 * What our open descriptors lead to, as /proc shows it, where it contains one of `parts`: such as
 * `socket:`, `[fanotify]` or a path. For tests that nothing leaks: a plain count would include
 * what the test runner opens and closes meanwhile.
 */
export function listOpen(...parts: readonly string[]): string[] {
  return readdirSync('/proc/self/fd')
    .map(targetOf)
    .filter((target) => parts.some((part) => target.includes(part)))
    .toSorted()
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return '' // the descriptor that listed the directory
  }
}
