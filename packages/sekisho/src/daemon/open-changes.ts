import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { DISK_FILE, openDiskImage } from '../sandbox/disk-image.ts'
import { changesOf } from './session-record.ts'

/** A disk is let go of in some 10 ms; on a machine that is busy it takes longer. */
const PUT_AWAY_MS = 5_000
const PUT_AWAY_POLL_MS = 10

export type OpenedChanges = {
  /** the overlay's upper layer, or the files themselves where the session had no workspace */
  upper: string
  /** idempotent; `upper` leads nowhere afterwards */
  close(): void
}

/**
 * What a session has changed so far, wherever it lies: in its disk, or in a plain directory where
 * disks are not limited. Readable while the session runs; nobody can write through it to a session
 * that has ended.
 *
 * @throws SekishoError WORKSPACE_INVALID when its disk is damaged, WORKSPACE_BUSY while that is being put
 *   away, SESSION_UNKNOWN when it left none
 */
export function openChanges(sessions: string, session: string): OpenedChanges {
  const directory = join(sessions, session)
  if (existsSync(join(directory, DISK_FILE))) {
    const disk = openDiskImage(directory)
    return { upper: join(disk.root, 'upper'), close: () => disk.close() }
  }
  const upper = changesOf(sessions, session)
  if (existsSync(upper)) return { upper, close: () => undefined }
  throw new SekishoError('SESSION_UNKNOWN', `${session} has left no changes`, {
    hint: 'run `sekisho ps --all`',
  })
}

/** As {@link openChanges}, of a session that may have ended this moment: its disk is waited for. */
export async function openEndedChanges(sessions: string, session: string): Promise<OpenedChanges> {
  const untilMs = performance.now() + PUT_AWAY_MS
  for (;;) {
    try {
      return openChanges(sessions, session)
    } catch (error) {
      const isBusy = error instanceof SekishoError && error.code === 'WORKSPACE_BUSY'
      if (!isBusy || performance.now() > untilMs) throw error
    }
    await pause(PUT_AWAY_POLL_MS)
  }
}

/** For a hint: how somebody gets at the files by hand. */
export function whereChangesAre(sessions: string, session: string): string {
  const image = join(sessions, session, DISK_FILE)
  if (!existsSync(image)) return `look in ${changesOf(sessions, session)}`
  return `mount -o ro,nosuid,nodev,noexec ${image} /mnt, and look in /mnt/upper`
}
