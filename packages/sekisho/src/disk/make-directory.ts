import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory, and those above it that are missing.
 *
 * Not by `recursive` of `mkdirSync`: below a directory that was removed while a mount still shows it
 * (somebody has deleted the state directory) the kernel answers ENOENT for the child and EEXIST for
 * the parent, and Node tries the two in turn for ever, deaf to every signal.
 *
 * @returns the topmost directory that was made; undefined where all of them were there
 * @throws what mkdir(2) says
 */
export function makeDirectories(path: string, mode: number): string | undefined {
  try {
    return make(path, mode)
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error
  }
  const above = makeDirectories(dirname(path), mode)
  return make(path, mode) === undefined ? above : (above ?? path)
}

function make(path: string, mode: number): string | undefined {
  try {
    mkdirSync(path, { mode })
    return path
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
