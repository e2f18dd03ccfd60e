import { constants } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { ERRNO } from './errno.ts'
import { bindFunction, check, libc } from './libc.ts'
import type { Reactor } from './reactor.ts'
import { createSlots, type Slots } from './slots.ts'

/** fanotify_mark(2) */
export const FAN_MARK = {
  add: 0x1,
  remove: 0x2,
  doNotFollow: 0x4,
  flush: 0x80,
  fileSystem: 0x100,
} as const
export const FAN_OPEN_PERM = 0x10000n
export const FAN_OPEN_EXEC_PERM = 0x40000n

export const FANOTIFY_HINT =
  'Run the daemon as root, on a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS.'

/** Somebody who waits in open(2) or execve(2) for an answer. */
export type Opened = {
  /** the file, for reading; ours until the answer, which closes it */
  fd: number
  /** of the process, or of the thread where the group asked for it; 0 outside our pid namespace */
  pid: number
}

export type PermissionGroup = {
  /** @returns fanotify_mark(2)'s value, or the negated errno */
  mark(flags: number, mask: bigint, path: string): number
  /** answers once, and closes the descriptor; an opener that has died meanwhile is no error */
  answer(opened: Opened, answer: 'allow' | 'deny'): void
  /** denies what waits, then lets go of every mark; may be called twice */
  close(): void
}

type GroupOptions = {
  reactor: Reactor
  /** openers that wait for an answer; further ones wait in the kernel. Each holds a descriptor */
  maxPending: number
  /** {@link Opened.pid} is the thread, not its process */
  tellsThreads: boolean
  /** answers through {@link PermissionGroup.answer}, now or later */
  onOpened: (opened: Opened) => void
}

const FAN_CLASS_CONTENT = 0x4
const FAN_CLOEXEC_NONBLOCK = 0x1 | 0x2
const FAN_REPORT_TID = 0x100
/**
 * FAN_UNLIMITED_QUEUE, FAN_UNLIMITED_MARKS. The kernel lets an open through whose event finds the
 * queue full: a sandbox could wait in line 16,384 times and walk past the checkpoint.
 */
const FAN_UNLIMITED = 0x10 | 0x20
const FAN_RESPONSE = { allow: 1, deny: 2 } as const
const FANOTIFY_METADATA_VERSION = 3
const EVENT_BYTES = 24
const MAX_EVENTS = 64
const AT_FDCWD = -100
const O_CLOEXEC = 0o2000000
const O_LARGEFILE = 0o100000

const fanotifyInit = bindFunction<[flags: number, eventFlags: number]>(
  'int fanotify_init(uint, uint)',
  FANOTIFY_HINT,
)
const fanotifyMark = bindFunction<
  [group: number, flags: number, mask: bigint, directory: number, path: string | null]
>('int fanotify_mark(int, uint, uint64_t, int, const char *)', FANOTIFY_HINT)
const read = bindFunction<[fd: number, into: Uint8Array, length: number]>(
  'long read(int, void *, size_t)',
)
const write = bindFunction<[fd: number, bytes: Uint8Array, length: number]>(
  'long write(int, void *, size_t)',
)

type Group = { fd: number; waiting: Set<Opened>; slots: Slots; options: GroupOptions }

/**
 * A fanotify group whose events wait for our permission. The last descriptor's end lets everybody
 * through who still waits, so close it only through `close`.
 *
 * @throws SekishoError PERMISSION_REQUIRED or HOST_UNSUPPORTED where fanotify is not to be had
 */
export function openPermissionGroup(options: GroupOptions): PermissionGroup {
  const thread = options.tellsThreads ? FAN_REPORT_TID : 0
  const fd = fanotifyInit(
    FAN_CLASS_CONTENT | FAN_CLOEXEC_NONBLOCK | FAN_UNLIMITED | thread,
    constants.O_RDONLY | O_CLOEXEC | O_LARGEFILE,
  )
  const group: Group = { fd, waiting: new Set(), slots: createSlots(options.maxPending), options }
  const unwatch = options.reactor.watch(fd, () => receiveAll(group))
  let open = true
  return {
    mark: (flags, mask, path) => fanotifyMark.attempt(fd, flags, mask, AT_FDCWD, path),
    answer: (opened, answer) => settle(group, opened, answer),
    close: () => {
      if (!open) return
      open = false
      unwatch()
      closeGroup(group)
    },
  }
}

/** Closing the group lets every opener through that still waits, so they are denied before. */
function closeGroup(group: Group): void {
  const { fd, waiting, options } = group
  try {
    // nobody joins the queue from here on
    for (const kind of [0, FAN_MARK.fileSystem]) {
      fanotifyMark(fd, FAN_MARK.flush | kind, 0n, AT_FDCWD, null)
    }
    do {
      for (const opened of waiting) settle(group, opened, 'deny')
    } while (receiveBatch(group, MAX_EVENTS, (opened) => settle(group, opened, 'deny')) > 0)
  } catch (error) {
    options.reactor.report(error)
  } finally {
    libc.close(fd)
  }
}

function receiveAll(group: Group): void | Promise<void> {
  const { slots, options } = group
  while (slots.free() > 0) {
    const count = receiveBatch(group, Math.min(slots.free(), MAX_EVENTS), options.onOpened)
    if (count === 0) return
  }
  return slots.whenFree()
}

/** @returns how many events were read */
function receiveBatch(group: Group, limit: number, onOpened: (opened: Opened) => void): number {
  const events = Buffer.alloc(EVENT_BYTES * limit)
  const length = read.attempt(group.fd, events, events.length)
  if (length === -ERRNO.EAGAIN || length === -ERRNO.EINTR) return 0 // the reactor calls again
  check('read from fanotify', length)
  let count = 0
  for (let at = 0; at < length; at += events.readUInt32LE(at)) {
    receiveEvent(group, events.subarray(at, at + EVENT_BYTES), onOpened)
    count += 1
  }
  return count
}

/** struct fanotify_event_metadata: length, version, its own length, mask, descriptor, pid. */
function receiveEvent(group: Group, event: Buffer, onOpened: (opened: Opened) => void): void {
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
  onOpened(opened)
}

/** The descriptor of the event is the opener's claim ticket and is ours to close. */
function settle(group: Group, opened: Opened, response: 'allow' | 'deny'): void {
  if (!group.waiting.delete(opened)) return
  group.slots.release()
  const answer = Buffer.alloc(8)
  answer.writeInt32LE(opened.fd, 0)
  answer.writeUInt32LE(FAN_RESPONSE[response], 4)
  const written = write.attempt(group.fd, answer, answer.length)
  libc.close(opened.fd)
  if (written !== -ERRNO.ENOENT) check('write to fanotify', written) // ENOENT: the opener died
}
