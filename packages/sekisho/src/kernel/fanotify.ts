import {
  constants,
  fstatSync,
  lstatSync,
  readlinkSync,
  readFileSync,
  type BigIntStats,
} from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { within } from './deadline.ts'
import { ERRNO } from './errno.ts'
import { bindFunction, check, libc } from './libc.ts'
import type { Reactor } from './reactor.ts'
import { createSlots, type Slots } from './slots.ts'

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

const FAN_CLASS_CONTENT_CLOEXEC_NONBLOCK = 0x4 | 0x1 | 0x2
const FAN_MARK = { add: 0x1, remove: 0x2, flush: 0x80, doNotFollow: 0x4 } as const
const FAN_OPEN_AND_EXEC = 0x10000n | 0x40000n // FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM
const FAN_ALLOW = 1
const FAN_DENY = 2
const FANOTIFY_METADATA_VERSION = 3
const EVENT_BYTES = 24
const AT_FDCWD = -100

const HINT = 'Run the daemon as root, on a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS.'
const fanotifyInit = bindFunction<[flags: number, eventFlags: number]>(
  'int fanotify_init(uint, uint)',
  HINT,
)
const fanotifyMark = bindFunction<
  [group: number, flags: number, mask: bigint, directory: number, path: string | null]
>('int fanotify_mark(int, uint, uint64_t, int, const char *)', HINT)
const read = bindFunction<[fd: number, into: Uint8Array, length: number]>(
  'long read(int, void *, size_t)',
)
const write = bindFunction<[fd: number, bytes: Uint8Array, length: number]>(
  'long write(int, void *, size_t)',
)

type Opened = { fd: number; pid: number }
type Group = {
  fd: number
  /** path by inode */
  marks: Map<string, string>
  waiting: Set<Opened>
  slots: Slots
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
  const fd = fanotifyInit(
    FAN_CLASS_CONTENT_CLOEXEC_NONBLOCK,
    constants.O_RDONLY | O_CLOEXEC | O_LARGEFILE,
  )
  const group: Group = {
    fd,
    marks: new Map(),
    waiting: new Set(),
    slots: createSlots(MAX_PENDING),
    options,
  }
  const unwatch = options.reactor.watch(fd, () => receiveAll(group))
  let open = true
  return {
    add: (path) => addMark(group, path),
    remove: (path) => removeMark(group, path),
    close: () => {
      if (!open) return
      open = false
      unwatch()
      closeGroup(group)
    },
  }
}
const O_CLOEXEC = 0o2000000
const O_LARGEFILE = 0o100000

function addMark(group: Group, path: string): void {
  const stats = lstatSync(path, { bigint: true })
  if (!stats.isFile()) {
    throw new SekishoError('SANDBOX_FAILED', `${path} is no regular file`, {
      hint: 'Make the decoy a regular file.',
    })
  }
  fanotifyMark(group.fd, FAN_MARK.add | FAN_MARK.doNotFollow, FAN_OPEN_AND_EXEC, AT_FDCWD, path)
  group.marks.set(inodeKey(stats), path)
}

function removeMark({ fd, marks }: Group, path: string): void {
  for (const [key, marked] of marks) {
    if (marked !== path) continue
    marks.delete(key)
    const flags = FAN_MARK.remove | FAN_MARK.doNotFollow
    const answer = fanotifyMark.attempt(fd, flags, FAN_OPEN_AND_EXEC, AT_FDCWD, path)
    // ENOENT: the file was deleted or replaced, and its mark went with it.
    if (answer !== -ERRNO.ENOENT) check('fanotify_mark', answer, HINT)
  }
}

/** Closing the group lets every opener through that still waits, so they are denied before. */
function closeGroup(group: Group): void {
  const { fd, waiting, options } = group
  try {
    fanotifyMark(fd, FAN_MARK.flush, 0n, AT_FDCWD, null) // nobody joins the queue from here on
    do {
      for (const opened of waiting) settle(group, opened, FAN_DENY)
    } while (receiveBatch(group, MAX_PENDING) > 0)
  } catch (error) {
    options.reactor.report(error)
  } finally {
    libc.close(fd)
  }
}

function receiveAll(group: Group): void | Promise<void> {
  while (group.slots.free() > 0) {
    if (receiveBatch(group, group.slots.free()) === 0) return
  }
  return group.slots.whenFree()
}

/** @returns how many events were read */
function receiveBatch(group: Group, limit: number): number {
  const events = Buffer.alloc(EVENT_BYTES * limit)
  const length = read.attempt(group.fd, events, events.length)
  if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) return 0 // the reactor calls again
  check('read from fanotify', length)
  let count = 0
  for (let at = 0; at < length; at += events.readUInt32LE(at)) {
    receiveEvent(group, events.subarray(at, at + EVENT_BYTES))
    count += 1
  }
  return count
}

/** struct fanotify_event_metadata: length, version, its own length, mask, descriptor, pid. */
function receiveEvent(group: Group, event: Buffer): void {
  if (event.readUInt8(4) !== FANOTIFY_METADATA_VERSION) {
    throw new SekishoError('HOST_UNSUPPORTED', 'fanotify events of an unknown version')
  }
  const opened: Opened = { fd: event.readInt32LE(16), pid: event.readInt32LE(20) }
  if (opened.fd < 0) {
    group.options.reactor.report(new SekishoError('INTERNAL', 'fanotify has lost events'))
    return
  }
  group.waiting.add(opened)
  group.slots.take()
  if (opened.pid === process.pid) settle(group, opened, FAN_ALLOW)
  else void recordThenDeny(group, opened)
}

/** Never rejects: a failing record is reported, and the open is denied all the same. */
async function recordThenDeny(group: Group, opened: Opened): Promise<void> {
  const { reactor, onOpen } = group.options
  try {
    const event = describeEvent(group, opened)
    const recording = (async () => onOpen(event))()
    await within(RECORD_TIMEOUT_MS, `the record of an open of ${event.path}`, recording)
  } catch (error) {
    reactor.report(error)
  } finally {
    try {
      settle(group, opened, FAN_DENY)
    } catch (error) {
      reactor.report(error)
    }
  }
}

/** Answers once; the descriptor of the event is the opener's claim ticket and is ours to close. */
function settle(group: Group, opened: Opened, response: number): void {
  if (!group.waiting.delete(opened)) return
  group.slots.release()
  const answer = Buffer.alloc(8)
  answer.writeInt32LE(opened.fd, 0)
  answer.writeUInt32LE(response, 4)
  const written = write.attempt(group.fd, answer, answer.length)
  libc.close(opened.fd)
  if (written !== -ERRNO.ENOENT) check('write to fanotify', written) // ENOENT: the opener died
}

function describeEvent({ marks }: Group, { fd, pid }: Opened): TripwireEvent {
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
