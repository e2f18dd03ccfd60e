import { createRequire } from 'node:module'
import type * as Koffi from 'koffi'
import { ERRNO } from './errno.ts'
import { bindFunction, check, libc } from './libc.ts'

/** Watches descriptors that Node's own modules cannot: seccomp, fanotify, pidfd, raw sockets. */
export type Reactor = {
  /**
   * Calls back once for each readiness; armed again when the callback has returned or settled.
   * The callback should read until EAGAIN. A descriptor whose callback fails is reported, rests
   * for {@link FAILURE_PAUSE_MS} and is armed again.
   *
   * @returns a function that stops the watch; call it before the descriptor is closed
   * @throws SekishoError when the descriptor is not open, cannot be polled or is already watched
   */
  watch(fd: number, onReadable: () => void | Promise<void>): () => void
  /** for failures of work that a callback has started and not waited for */
  report(error: unknown): void
  /** stops every watch; closes none of the watched descriptors; may be called twice */
  close(): void
}

/** Keeps a callback that always fails from spinning the loop. */
export const FAILURE_PAUSE_MS = 100

const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL = { add: 1, remove: 2, change: 3 } as const
const EPOLLIN_ONESHOT = 0x1 | (1 << 30)
/** struct epoll_event is packed on x86-64: 32 bits of events, 64 of data */
const EVENT_BYTES = 12
const MAX_EVENTS = 64

const HINT = 'Watch only open descriptors that poll(2) supports, and each of them once.'
const epollCreate = bindFunction<[flags: number]>('int epoll_create1(int)')
const epollControl = bindFunction<[epoll: number, op: number, fd: number, event: Uint8Array]>(
  'int epoll_ctl(int, int, int, void *)',
  HINT,
)
const epollWait = bindFunction<
  [epoll: number, events: Uint8Array, maxEvents: number, timeoutMs: number]
>('int epoll_wait(int, void *, int, int)')

type Watch = { fd: number; token: number; onReadable: () => void | Promise<void> }
type OnError = (error: unknown) => void
type State = {
  epoll: number
  watches: Map<number, Watch>
  pauses: Set<NodeJS.Timeout>
  onError: OnError
}

/**
 * One epoll instance, which libuv watches in turn: no thread waits, and a wake-up costs some 20 µs.
 *
 * An event carries a token and not the descriptor, so that one for a descriptor that was closed
 * and whose number is in use again reaches nobody. Keeps the process alive until it is closed.
 *
 * @param options.onError gets what a callback throws or rejects with
 * @throws SekishoError as every {@link bindFunction} does
 */
export function createReactor({ onError }: { onError: OnError }): Reactor {
  const epoll = epollCreate(EPOLL_CLOEXEC)
  const state: State = { epoll, watches: new Map(), pauses: new Set(), onError }
  let nextToken = 1
  let closed = false
  const poller = pollOnLoop(epoll, () => {
    if (!closed) runReady(state)
  })
  return {
    watch: (fd, onReadable) => {
      const watch = { fd, token: nextToken++, onReadable }
      epollControl(epoll, EPOLL_CTL.add, fd, eventFor(watch.token))
      state.watches.set(watch.token, watch)
      return () => {
        if (state.watches.delete(watch.token)) forget(epoll, fd)
      }
    },
    report: onError,
    close: () => {
      if (closed) return
      closed = true
      state.watches.clear()
      for (const pause of state.pauses) clearTimeout(pause)
      poller.close()
      libc.close(epoll)
    },
  }
}

function runReady(state: State): void {
  for (const token of readyTokens(state.epoll)) {
    const watch = state.watches.get(token) // an earlier callback of this round may have stopped it
    if (watch !== undefined) run(state, watch)
  }
}

function run(state: State, watch: Watch): void {
  try {
    const running = watch.onReadable()
    if (!(running instanceof Promise)) return arm(state, watch)
    running.then(() => arm(state, watch)).catch((error: unknown) => rest(state, watch, error))
  } catch (error) {
    rest(state, watch, error)
  }
}

function arm({ epoll, watches }: State, watch: Watch): void {
  if (!watches.has(watch.token)) return // stopped meanwhile
  epollControl(epoll, EPOLL_CTL.change, watch.fd, eventFor(watch.token))
}

function rest(state: State, watch: Watch, error: unknown): void {
  if (state.watches.has(watch.token)) {
    const pause = setTimeout(() => {
      state.pauses.delete(pause)
      try {
        arm(state, watch)
      } catch (failure) {
        state.onError(failure)
      }
    }, FAILURE_PAUSE_MS)
    state.pauses.add(pause)
  }
  state.onError(error)
}

function eventFor(token: number): Buffer {
  const event = Buffer.alloc(EVENT_BYTES)
  event.writeUInt32LE(EPOLLIN_ONESHOT, 0)
  event.writeBigUInt64LE(BigInt(token), 4)
  return event
}

function readyTokens(epoll: number): number[] {
  const events = Buffer.alloc(EVENT_BYTES * MAX_EVENTS)
  const count = epollWait.attempt(epoll, events, MAX_EVENTS, 0)
  if (count === -ERRNO.EINTR) return [] // still readable, so libuv calls again
  check('epoll_wait', count)
  return Array.from({ length: count }, (_, i) =>
    Number(events.readBigUInt64LE(i * EVENT_BYTES + 4)),
  )
}

/** A descriptor that is closed already has left the instance by itself. */
function forget(epoll: number, fd: number): void {
  const answer = epollControl.attempt(epoll, EPOLL_CTL.remove, fd, eventFor(0))
  if (answer !== -ERRNO.EBADF && answer !== -ERRNO.ENOENT) check('epoll_ctl', answer, HINT)
}

/**
 * koffi calls back straight from libuv, where a throw would be lost and no microtask runs
 * afterwards. setImmediate leads into Node proper, later in the same turn of the loop.
 */
function pollOnLoop(fd: number, onReadable: () => void): { close(): void } {
  const koffi: typeof Koffi = createRequire(import.meta.url)('koffi')
  let scheduled = false
  const handle = koffi.node.poll(fd, () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      onReadable()
    })
  })
  return { close: () => handle.close() }
}
