import { type Clock, SYSTEM_CLOCK } from './clock.ts'

/** After SIGTERM a command has this long; then everything in the session is stopped. */
const STOP_GRACE_MS = 2000
/** Frozen or not by then, it is killed. */
const FREEZE_MS = 250
/** Then whoever reads the command's output has this long for what is still on its way. */
const LAST_OUTPUT_MS = 1000
/** A killed process can take a while to give back its memory; above this it is reported. */
const EMPTY_TIMEOUT_MS = 5000
const EMPTY_CHECK_MS = 5

/** One session, as far as taking it down goes. */
export type StopTarget = {
  /** SIGTERM to the command alone: it may tidy up */
  terminate(): void
  /** resolves once every process is stopped where it is; rejects when that takes longer */
  freeze(timeoutMs: number): Promise<void>
  /** SIGKILL to every process, also to a daemonised child and to what is just being forked */
  kill(): void
  /** whether no process is left */
  isEmpty(): boolean
  /** stops waiting for whoever reads the output */
  letGo(): void
}

/**
 * How a session is taken down: SIGTERM, a grace, freeze, kill of the whole cgroup. Nothing that
 * runs inside can leave the cgroup, so nothing outlives this: no daemonised grandchild, no process
 * that ignores signals, no bomb that forks faster than it is killed.
 */
export class StopLadder {
  readonly #target: StopTarget
  readonly #clock: Clock
  readonly #pending = new Set<() => void>()
  #isAsked = false
  #isKilling = false
  #gone: Promise<boolean> | undefined

  constructor(target: StopTarget, clock: Clock = SYSTEM_CLOCK) {
    this.#target = target
    this.#clock = clock
  }

  /**
   * Idempotent, also when the command is over and only its output is still on its way: no reader
   * that has stopped reading can put the end off.
   */
  stop(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#later(STOP_GRACE_MS + LAST_OUTPUT_MS, () => this.#target.letGo())
    if (this.#isKilling) return
    this.#later(STOP_GRACE_MS, () => void this.#freezeAndKill())
    this.#target.terminate()
  }

  /** At once: the platform itself is going, or a limit allows no grace. */
  killNow(): void {
    this.#isKilling = true
    this.#isAsked = true
    this.#later(LAST_OUTPUT_MS, () => this.#target.letGo())
    this.#target.kill()
  }

  /**
   * The command is over: what it left behind is killed, at once.
   *
   * @returns whether nothing is left; false says that a process resisted for 5 s
   */
  finish(): Promise<boolean> {
    this.#isKilling = true
    this.#gone ??= this.#killUntilEmpty()
    return this.#gone
  }

  /** Its output has been handed on, or it never came to run: nothing is waited for any more. */
  close(): void {
    this.#isKilling = true
    this.#isAsked = true
    for (const cancel of this.#pending) cancel()
    this.#pending.clear()
  }

  async #freezeAndKill(): Promise<void> {
    if (this.#isKilling) return
    this.#isKilling = true
    // a process in an uninterruptible call does not freeze; it is killed all the same
    await this.#target.freeze(FREEZE_MS).catch(() => undefined)
    this.#target.kill()
  }

  async #killUntilEmpty(): Promise<boolean> {
    const deadline = this.#clock.nowMs() + EMPTY_TIMEOUT_MS
    this.#target.kill()
    while (!this.#target.isEmpty()) {
      if (this.#clock.nowMs() >= deadline) return false
      await new Promise<void>((resolve) => void this.#clock.after(EMPTY_CHECK_MS, resolve))
      this.#target.kill()
    }
    return true
  }

  #later(ms: number, act: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#pending.delete(cancel)
      act()
    })
    this.#pending.add(cancel)
  }
}
