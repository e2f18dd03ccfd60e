import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { within } from './deadline.ts'
import { ERRNO } from './errno.ts'
import {
  FAN_MARK,
  FAN_OPEN_EXEC_PERM,
  FANOTIFY_HINT,
  type Opened,
  openPermissionGroup,
  type PermissionGroup,
} from './fanotify-group.ts'
import { check } from './libc.ts'
import type { Reactor } from './reactor.ts'

/** A thread that waits in execve(2) for leave to read the file it is to become. */
export type ExecAttempt = {
  /** the file, for reading; closed once the decision is there */
  fd: number
  /** as our own pid namespace counts; 0 for one outside it */
  tid: number
}

export type ExecDecision = 'allow' | 'deny'

export type ExecWatch = {
  /**
   * From here on every exec of a file of this file system waits for a decision, through any mount
   * of it and in any namespace.
   *
   * @param path where it is mounted. It must be a file system that nobody else executes from: this
   *   process waits for its children's first exec, so one that we mark and they need would hang us
   * @throws SekishoError SANDBOX_FAILED for one that the host itself lives on, or that is no mount
   */
  addFileSystem(path: string): void
  /** lets execs through again; does nothing where no mark is, or no mount any more */
  removeFileSystem(path: string): void
  /** denies what waits, then lets go of every mark */
  close(): void
}

type ExecWatchOptions = {
  reactor: Reactor
  /** one that rejects, or takes longer than {@link DECISION_TIMEOUT_MS}, denies and is reported */
  decide: (attempt: ExecAttempt) => ExecDecision | Promise<ExecDecision>
}

/** Attempts that wait for a decision; further ones wait in the kernel. Each holds a descriptor. */
const MAX_PENDING = 2048
export const DECISION_TIMEOUT_MS = 5_000

/**
 * Asks before each exec of the file systems that are added. An exec of one program asks once for
 * the program and once for each interpreter of it: `#!`, then the dynamic loader.
 *
 * What lies on a file system that cannot be marked is not seen: the kernel's own for memfd_create(2)
 * is one.
 *
 * @throws SekishoError PERMISSION_REQUIRED or HOST_UNSUPPORTED where fanotify is not to be had
 */
export function watchExecs({ reactor, decide }: ExecWatchOptions): ExecWatch {
  const group = openPermissionGroup({
    reactor,
    maxPending: MAX_PENDING,
    tellsThreads: true,
    onOpened: (opened) => void decideOne(opened),
  })
  /** Never rejects: whatever goes wrong denies. */
  const decideOne = async (opened: Opened): Promise<void> => {
    let decision: ExecDecision = 'deny'
    try {
      const deciding = (async () => decide({ fd: opened.fd, tid: opened.pid }))()
      decision = await within(DECISION_TIMEOUT_MS, 'the decision about an exec', deciding)
    } catch (error) {
      reactor.report(error)
    }
    try {
      group.answer(opened, decision === 'allow' ? 'allow' : 'deny')
    } catch (error) {
      reactor.report(error)
    }
  }
  return {
    addFileSystem: (path) => {
      refuseUnlessOwn(path)
      const flags = FAN_MARK.add | FAN_MARK.fileSystem
      check('fanotify_mark', group.mark(flags, FAN_OPEN_EXEC_PERM, path), FANOTIFY_HINT)
    },
    removeFileSystem: (path) => removeMark(group, path),
    close: () => group.close(),
  }
}

function removeMark(group: PermissionGroup, path: string): void {
  const flags = FAN_MARK.remove | FAN_MARK.fileSystem
  const answer = group.mark(flags, FAN_OPEN_EXEC_PERM, path)
  // ENOENT: it was unmounted, and the mark went with it.
  if (answer !== -ERRNO.ENOENT) check('fanotify_mark', answer, FANOTIFY_HINT)
}

/** What programs of the host, and this one's own children, are started from. */
const HOST_PATHS = ['/', '/usr', '/tmp', process.execPath] as const

function refuseUnlessOwn(path: string): void {
  const { dev } = lstatSync(path)
  const isShared = HOST_PATHS.some((shared) => lstatSync(shared).dev === dev)
  if (!isShared && lstatSync(dirname(path)).dev !== dev) return
  throw new SekishoError('SANDBOX_FAILED', `${path} is no file system of its own`, {
    hint: 'Mount a tmpfs or an overlay there: the exec monitor takes whole file systems.',
  })
}

/** Whether this kernel lets us ask before an exec; nothing is marked. @throws as watchExecs */
export function probeExecs(reactor: Reactor): void {
  watchExecs({ reactor, decide: () => 'deny' }).close()
}
