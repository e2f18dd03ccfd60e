import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { libc } from '../kernel/libc.ts'
import { type InterceptedCall, nameCall, watchSyscalls } from '../kernel/seccomp-notify.ts'
import type { Reactor } from '../kernel/reactor.ts'
import { attemptNames } from './attempts.ts'
import type { Attempt } from './containment.ts'
import type { Decided } from './policy-install.ts'
import type { Session } from './session.ts'

const EPERM = 1

/** What the kernel tells of a sandbox that no session has taken yet: its own trials of itself. */
export type Trial = { kind: 'syscall'; syscall: string } | { kind: 'tripwire'; path: string }

/** The part of the OCI container process state that says which berth a descriptor is of. */
const ProcessState = z.object({ metadata: z.string(), fds: z.array(z.string()) })

/** The running sessions, and whose kernel event is whose. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>()
  readonly #trials = new Map<string, (trial: Trial) => void>()
  readonly #waiting: (() => void)[] = []
  readonly #reactor: Reactor
  readonly #warn: (line: string) => void
  #onAttempt: (session: string, attempt: Attempt) => void = () => undefined

  constructor(reactor: Reactor, warn: (line: string) => void) {
    this.#reactor = reactor
    this.#warn = warn
  }

  /** What an attempt of a session does beside its denial; called before that is answered. */
  onAttempt(act: (session: string, attempt: Attempt) => void): void {
    this.#onAttempt = act
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

  /** Until {@link endTrials}, what a berth's sandbox tries of itself is refused and told here. */
  expectTrials(berth: string, onTrial: (trial: Trial) => void): void {
    this.#trials.set(berth, onTrial)
  }

  endTrials(berth: string): void {
    this.#trials.delete(berth)
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  all(): Session[] {
    return [...this.#sessions.values()]
  }

  /** As what the sessions are decided by is put in force. */
  decided(): Decided[] {
    return this.all().map((session) => ({
      id: session.plan.session,
      gate: session.gate,
      decision: session.binding.decision,
      decide: (decision, timeoutMs) => session.decide(decision, timeoutMs),
    }))
  }

  /**
   * A runtime has loaded a session's filter and sends its notification descriptor. Should nobody
   * take it, the kernel answers ENOSYS to every call that the filter would report: closed.
   */
  takeSeccomp(payload: Buffer, fds: readonly number[]): void {
    const [fd, ...more] = fds
    for (const extra of more) libc.close(extra)
    if (fd === undefined) return
    const berth = berthOf(payload)
    if (berth === undefined || !this.#trials.has(berth)) {
      libc.close(fd)
      this.#warn('a seccomp descriptor of no berth')
      return
    }
    watchSyscalls(fd, this.#reactor, async (call) => {
      await this.#refuseCall(berth, call)
      return { errno: EPERM }
    })
  }

  async #refuseCall(berth: string, call: InterceptedCall): Promise<void> {
    const atMs = performance.now()
    const onTrial = this.#trials.get(berth)
    const session = this.#sessionIn(berth)
    if (onTrial !== undefined || session === undefined) {
      onTrial?.({ kind: 'syscall', syscall: nameCall(call) })
      return
    }
    const action = describe(call)
    const recorded = session.denials.deny(
      { kind: 'process.syscall', ...action },
      'invariant.syscall',
      `${nameCall(call)} is not for sandboxes`,
    )
    const names = attemptNames(call)
    const what = names.at(-1) ?? action.syscall
    // at once: the rest of the session must not run on while the record is being written
    this.#onAttempt(session.plan.session, { kind: 'syscall', what, names, atMs, ...action })
    await recorded
  }

  /** A tripwire file was opened; `inside` is its path as the session sees it. */
  async takeTripwire(inside: string, pid: number): Promise<void> {
    const atMs = performance.now()
    const berth = this.#berthOfProcess(pid)
    const session = berth === undefined ? undefined : this.#sessionIn(berth)
    const onTrial = berth === undefined ? undefined : this.#trials.get(berth)
    if (onTrial !== undefined) {
      onTrial({ kind: 'tripwire', path: inside })
      return
    }
    if (session === undefined) {
      this.#warn(`tripwire ${inside} opened by process ${pid} outside every session`)
      return
    }
    const command = commandOf(pid)
    const recorded = session.denials.deny(
      { kind: 'file.open', path: inside, pid, command },
      'invariant.tripwire',
      `${inside} is a tripwire`,
    )
    const seen = { what: inside, names: [inside], args: [], pid, command, atMs }
    this.#onAttempt(session.plan.session, { kind: 'tripwire', ...seen })
    await recorded
  }

  #sessionIn(berth: string): Session | undefined {
    return this.all().find((session) => session.berth === berth)
  }

  /** Every berth has a cgroup of its own, and nothing inside can leave it. */
  #berthOfProcess(pid: number): string | undefined {
    return /\/(berth-\d+)(?:\/|$)/m.exec(readProc(pid, 'cgroup'))?.[1]
  }
}

function berthOf(payload: Buffer): string | undefined {
  try {
    return ProcessState.parse(parseJson(payload.toString('utf8'))).metadata
  } catch {
    return undefined // no state of a runtime: nobody's
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
