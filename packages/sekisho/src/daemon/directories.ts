import { chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { UIDS } from './identities.ts'
import type { Paths } from './paths.ts'
import { readSessionRecords, writeSessionRecord } from './session-record.ts'

/** Makes this instance's directories and closes the records of sessions that a crash cut off. */
export function prepareDirectories(paths: Paths): void {
  // others may pass through (each process has a directory of its own below), not look
  for (const path of [paths.state, paths.run]) mkdirSync(path, { recursive: true, mode: 0o711 })
  mkdirSync(paths.sessions, { recursive: true, mode: 0o700 })
  mkdirSync(paths.keyholderState, { recursive: true, mode: 0o700 })
  chownSync(paths.keyholderState, UIDS.keyholder, UIDS.keyholder)
  for (const record of readSessionRecords(paths.sessions)) {
    const directory = join(paths.sessions, record.session)
    rmSync(join(directory, 'work'), { recursive: true, force: true })
    if (record.endedAt !== null) continue
    if (isEmpty(join(directory, 'upper'))) rmSync(directory, { recursive: true, force: true })
    else writeSessionRecord(paths.sessions, { ...record, endedAt: record.startedAt })
  }
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0
  } catch {
    return true // it was never made
  }
}
