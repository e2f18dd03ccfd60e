import { chownSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { hasEntries } from '../sandbox/disk-image.ts'
import { UIDS } from './identities.ts'
import { openChanges } from './open-changes.ts'
import type { Paths } from './paths.ts'
import { OUTPUT_FILE, readSessionRecords, writeSessionRecord } from './session-record.ts'

/** Makes this instance's directories and closes the records of sessions that a crash cut off. */
export function prepareDirectories(paths: Paths): void {
  // others may pass through (each process has a directory of its own below), not look
  for (const path of [paths.state, paths.run]) mkdirSync(path, { recursive: true, mode: 0o711 })
  mkdirSync(paths.sessions, { recursive: true, mode: 0o700 })
  mkdirSync(paths.keyholderState, { recursive: true, mode: 0o700 })
  chownSync(paths.keyholderState, UIDS.keyholder, UIDS.keyholder)
  makeLogDirectory(paths.keyholderState)
  mkdirSync(paths.exporterState, { recursive: true, mode: 0o700 })
  chownSync(paths.exporterState, UIDS.exporter, UIDS.exporter)
  for (const record of readSessionRecords(paths.sessions)) {
    const directory = join(paths.sessions, record.session)
    rmSync(join(directory, 'work'), { recursive: true, force: true })
    if (record.endedAt !== null) continue
    if (!hasLeft(paths.sessions, record.session)) rmSync(directory, { recursive: true })
    else writeSessionRecord(paths.sessions, { ...record, endedAt: record.startedAt })
  }
}

/** Before the keyholder comes to it: the exporter's view of it is mounted first. */
function makeLogDirectory(keyholderState: string): void {
  const log = join(keyholderState, 'log')
  mkdirSync(log, { recursive: true, mode: 0o750 })
  chownSync(log, UIDS.keyholder, UIDS.keyholder)
  const parent = openSync(keyholderState, 'r')
  fsyncSync(parent) // a leaf is durable only where its directory's name is
  closeSync(parent)
}

/** What cannot be looked into is kept. */
function hasLeft(sessions: string, session: string): boolean {
  if (existsSync(join(sessions, session, OUTPUT_FILE))) return true
  try {
    const changes = openChanges(sessions, session)
    try {
      return hasEntries(changes.upper)
    } finally {
      changes.close()
    }
  } catch (error) {
    return !(error instanceof SekishoError && error.code === 'SESSION_UNKNOWN')
  }
}
