import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import { makeAppendOnly } from '../kernel/file-flags.ts'
import { isMissing } from './session-record.ts'

/**
 * Keeps every segment of the log append-only at the level of the file system: its writer has no
 * right to set that, and a writer that is taken over none to undo it.
 *
 * The directory itself stays as it is: the writer's lock files come and go in it.
 *
 * @param degrade is told once when the file system has no such flag
 */
export function keepAppendOnly(
  directory: string,
  { degrade, warn }: { degrade: (why: string) => void; warn: (line: string) => void },
): FSWatcher {
  let lacks = false
  const seal = (name: string): void => {
    if (lacks || !name.endsWith('.log')) return
    try {
      if (makeAppendOnly(join(directory, name))) return
      lacks = true
      degrade('log-append-only: the file system of the state directory has no append-only flag')
    } catch (error) {
      if (!isMissing(error)) warn(`${name} is not append-only: ${String(error)}`)
    }
  }
  const watcher = watch(directory, (_event, name) => {
    if (name !== null) seal(name)
  })
  watcher.on('error', (error) => warn(`the log's directory is not watched: ${error.message}`))
  for (const name of readdirSync(directory)) seal(name)
  return watcher
}
