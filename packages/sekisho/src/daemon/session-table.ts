import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { libc } from '../kernel/libc.ts'
import { type InterceptedCall, nameCall, watchSyscalls } from '../kernel/seccomp-notify.ts'
import type { Reactor } from '../kernel/reactor.ts'
import type { Session } from './session.ts'

const EPERM = 1

/** The part of the OCI container process state that says which session a descriptor is of. */
const ProcessState = z.object({ metadata: z.string(), fds: z.array(z.string()) })

/** The running sessions, and whose kernel event is whose. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>()
  readonly #waiting: (() => void)[] = []
  readonly #reactor: Reactor
  readonly #warn: (line: string) => void

  constructor(reactor: Reactor, warn: (line: string) => void) {
    this.#reactor = reactor
    this.#warn = warn
  }

  add(session: Session): void {
    this.#sessions.set(session.plan.session, session)
  }

  delete(id: string): void {
    this.#sessions.delete(id)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** Resolves at the next end of a session, or when the signal fires. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  all(): Session[] {
    return [...this.#sessions.values()]
  }

  /**
   * A runtime has loaded a session's filter and sends its notification descriptor. Should nobody
   * take it, the kernel answers ENOSYS to every call that the filter would report: closed.
   */
  takeSeccomp(payload: Buffer, fds: readonly number[]): void {
    const [fd, ...more] = fds
    for (const extra of more) libc.close(extra)
    if (fd === undefined) return
    const session = this.#sessionOf(payload)
    if (session === undefined) {
      libc.close(fd)
      this.#warn('a seccomp descriptor of no session')
      return
    }
    watchSyscalls(fd, this.#reactor, async (call) => {
      await session.denials.deny(
        { kind: 'process.syscall', ...describe(call) },
        'invariant.syscall',
        `${nameCall(call)} is not for sandboxes`,
      )
      return { errno: EPERM }
    })
  }

  /** A tripwire file was opened; `inside` is its path as the session sees it. */
  async takeTripwire(inside: string, pid: number): Promise<void> {
    const session = this.#sessionOfProcess(pid)
    if (session === undefined) {
      this.#warn(`tripwire ${inside} opened by process ${pid} outside every session`)
      return
    }
    await session.denials.deny(
      { kind: 'file.open', path: inside, pid, command: commandOf(pid) },
      'invariant.tripwire',
      `${inside} is a tripwire`,
    )
  }

  #sessionOf(payload: Buffer): Session | undefined {
    try {
      const { metadata } = ProcessState.parse(JSON.parse(payload.toString('utf8')))
      return this.#sessions.get(metadata)
    } catch {
      return undefined // no state of a runtime: nobody's
    }
  }

  /** Every session has a cgroup of its own, and nothing inside can leave it. */
  #sessionOfProcess(pid: number): Session | undefined {
    const berth = /\/(berth-\d+)(?:\/|$)/m.exec(readProc(pid, 'cgroup'))?.[1]
    return berth === undefined
      ? undefined
      : [...this.#sessions.values()].find((session) => session.berth === berth)
  }
}

function describe(call: InterceptedCall): {
  syscall: string
  args: string[]
  pid: number
  command: string
} {
  return {
    syscall: nameCall(call),
    args: call.args.map((word) => `0x${word.toString(16)}`),
    pid: call.pid,
    command: commandOf(call.pid),
  }
}

/** The name the process gives itself: a hint for the reader, never a fact to decide by. */
function commandOf(pid: number): string {
  return readProc(pid, 'comm').trim().slice(0, 64)
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it has ended
  }
}
