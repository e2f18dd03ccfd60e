import { readFileSync, writeFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'

/**
 * The first key a log is written under is kept, in a file of root's. Another one later means that
 * the keyholder's state was replaced. @throws SekishoError LOG_BROKEN
 */
export function pinLogKey(path: string, key: string): void {
  try {
    writeFileSync(path, `${key}\n`, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const known = readFileSync(path, 'utf8').trim()
    if (known === key) return
    throw new SekishoError('LOG_BROKEN', `the log is signed by another key than ${path} says`, {
      hint: 'restore the state directory, or move it away to begin a new log',
    })
  }
}
