import { fstatSync, lstatSync, readlinkSync, readFileSync, type BigIntStats } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { within } from './deadline.ts'
import { ERRNO } from './errno.ts'
import {
  FAN_MARK,
  FAN_OPEN_EXEC_PERM,
  FAN_OPEN_PERM,
  FANOTIFY_HINT,
  type Opened,
  openPermissionGroup,
  type PermissionGroup,
} from './fanotify-group.ts'
import { check } from './libc.ts'
import type { Reactor } from './reactor.ts'

export type TripwireEvent = {
  /** as it was given to `add`, wherever the file was bind-mounted to */
  path: string
  /** the process, as our own process namespace counts; 0 for one outside it */
  pid: number
  /** its executable as /proc shows it, else its comm, else empty: the process chose both names */
  command: string
}

export type Tripwires = {
  /**
   * From here on every open of this regular file is denied, through any mount of it. Marks the
   * inode, so a file put in its place later is not watched.
   *
   * @throws SekishoError when it is no regular file or the kernel refuses the mark
   */
  add(path: string): void
  /** lets opens through again; does nothing for a path that was not added */
  remove(path: string): void
  /** denies what waits, then lets go of every mark */
  close(): void
}

type TripwireOptions = {
  reactor: Reactor
  /** records the attempt; the opener waits for it, and is denied whatever its outcome */
  onOpen: (event: TripwireEvent) => void | Promise<void>
}

/** Openers that wait for their record; further ones wait in the kernel. Each holds a descriptor. */
const MAX_PENDING = 64
/** A record that takes longer no longer holds the denial back. */
const RECORD_TIMEOUT_MS = 5_000

const FAN_OPEN_AND_EXEC = FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM

type Watching = {
  group: PermissionGroup
  /** path by inode */
  marks: Map<string, string>
  options: TripwireOptions
}

/**
 * Decoy files that nobody has a reason to open: every open and exec of one is recorded, then
 * denied with EPERM. Works on the inode, so a decoy is bind-mounted into sandboxes read-only.
 *
 * Opens by this process are let through at once, since denying or recording them could wait for
 * ourselves; a synchronous one on the main thread would still wait for ever, so open no decoy
 * after adding it.
 *
 * @throws SekishoError PERMISSION_REQUIRED or HOST_UNSUPPORTED where fanotify is not to be had
 */
export function watchTripwires(options: TripwireOptions): Tripwires {
  const group = openPermissionGroup({
    reactor: options.reactor,
    maxPending: MAX_PENDING,
    tellsThreads: false,
    onOpened: (opened) => {
      if (opened.pid === process.pid) group.answer(opened, 'allow')
      else void recordThenDeny(watching, opened)
    },
  })
  const watching: Watching = { group, marks: new Map(), options }
  return {
    add: (path) => addMark(watching, path),
    remove: (path) => removeMark(watching, path),
    close: () => group.close(),
  }
}

function addMark({ group, marks }: Watching, path: string): void {
  const stats = lstatSync(path, { bigint: true })
  if (!stats.isFile()) {
    throw new SekishoError('SANDBOX_FAILED', `${path} is no regular file`, {
      hint: 'Make the decoy a regular file.',
    })
  }
  const answer = group.mark(FAN_MARK.add | FAN_MARK.doNotFollow, FAN_OPEN_AND_EXEC, path)
  check('fanotify_mark', answer, FANOTIFY_HINT)
  marks.set(inodeKey(stats), path)
}

function removeMark({ group, marks }: Watching, path: string): void {
  for (const [key, marked] of marks) {
    if (marked !== path) continue
    marks.delete(key)
    const answer = group.mark(FAN_MARK.remove | FAN_MARK.doNotFollow, FAN_OPEN_AND_EXEC, path)
    // ENOENT: the file was deleted or replaced, and its mark went with it.
    if (answer !== -ERRNO.ENOENT) check('fanotify_mark', answer, FANOTIFY_HINT)
  }
}

/** Never rejects: a failing record is reported, and the open is denied all the same. */
async function recordThenDeny(watching: Watching, opened: Opened): Promise<void> {
  const { reactor, onOpen } = watching.options
  try {
    const event = describeEvent(watching, opened)
    const recording = (async () => onOpen(event))()
    await within(RECORD_TIMEOUT_MS, `the record of an open of ${event.path}`, recording)
  } catch (error) {
    reactor.report(error)
  } finally {
    try {
      watching.group.answer(opened, 'deny')
    } catch (error) {
      reactor.report(error)
    }
  }
}

function describeEvent({ marks }: Watching, { fd, pid }: Opened): TripwireEvent {
  const path = marks.get(inodeKey(fstatSync(fd, { bigint: true })))
  return { path: path ?? readlinkSync(`/proc/self/fd/${fd}`), pid, command: commandOf(pid) }
}

/**
 * Not its arguments: those are read from the process' own memory, which it can back by something
 * that never answers, and this thread would wait with it.
 */
function commandOf(pid: number): string {
  for (const read of [
    () => readlinkSync(`/proc/${pid}/exe`),
    () => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd(),
  ]) {
    try {
      return read()
    } catch {
      // gone, or of no concern to us (a kernel thread): the next source, or none
    }
  }
  return ''
}

function inodeKey({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}
