import { toSekishoError } from '../../core/error.ts'
import type { ApprovalKind } from '../../core/label.ts'
import type { Answer, ApprovalDesk, Question, Unanswered } from '../../flow/approvals-port.ts'
import type { KeyholderLink } from '../keyholder-link.ts'
import type { ControlLink } from './control-link.ts'
import { type Shown, showWhole } from './held-action.ts'

/** Actions of one session that wait for people at once; one more is denied. */
const MAX_OF_SESSION = 16
/** Actions of all sessions of a gate that wait at once; one more is denied. */
const MAX_OF_GATE = 512
/** Of what waits of one session, as text: a few bodies of the longest kind. */
const MAX_BYTES_OF_SESSION = 4 * 1024 * 1024
/** Of all sessions of a gate: what control has not read yet must fit into its channel, which holds 16 MiB. */
const MAX_BYTES_OF_GATE = 12 * 1024 * 1024

type Denied = Extract<Answer, { kind: 'denied' }>
type Ended =
  | { kind: 'approved'; by: readonly ApprovalKind[] }
  | { kind: 'ended'; why: Unanswered; reason: string }

export type HoldLineParts = {
  keyholder: Pick<KeyholderLink, 'record' | 'onDown'>
  control: Pick<ControlLink, 'wait' | 'withdraw'>
  /** `h-…`, unguessable */
  newHoldId(): string
  /** Unix ms */
  now(): number
}

/** Of one session, as it is now. */
export type Asker = { session: string; agent: string; user(): string; timeoutMs(): number }

/** The actions of one gate that wait for people, with their clients kept alive. */
export class HoldLine {
  readonly #parts: HoldLineParts
  readonly #ofSession = new Map<string, Load>()
  readonly #ofGate: Load = { holds: 0, bytes: 0 }

  constructor(parts: HoldLineParts) {
    this.#parts = parts
  }

  deskOf(asker: Asker): ApprovalDesk {
    return { ask: (question, signal) => this.#ask({ question, signal, asker }) }
  }

  async #ask({ question, signal, asker }: Asked): Promise<Answer> {
    const { agent, session } = asker
    const shown = showWhole(question, {
      id: this.#parts.newHoldId(),
      session,
      agent,
      user: asker.user(),
      openedAtMs: this.#parts.now(),
      timeoutMs: asker.timeoutMs(),
    })
    if (shown.kind === 'unshown') return deny('cannot-be-shown', shown.reason)
    if (!this.#take(shown)) return deny('too-many', 'too much waits for an answer already')
    try {
      return await this.#wait(shown, signal)
    } catch (thrown) {
      return deny('unavailable', `nobody can be asked: ${toSekishoError(thrown).message}`)
    } finally {
      this.#give(shown)
    }
  }

  #take({ held: { session }, bytes }: Shown): boolean {
    const own = this.#ofSession.get(session) ?? { holds: 0, bytes: 0 }
    const all = this.#ofGate
    if (own.holds >= MAX_OF_SESSION || own.bytes + bytes > MAX_BYTES_OF_SESSION) return false
    if (all.holds >= MAX_OF_GATE || all.bytes + bytes > MAX_BYTES_OF_GATE) return false
    this.#ofSession.set(session, own)
    for (const load of [own, all]) add(load, { holds: 1, bytes })
    return true
  }

  #give({ held: { session }, bytes }: Shown): void {
    const own = this.#ofSession.get(session)
    if (own === undefined) return
    for (const load of [own, this.#ofGate]) add(load, { holds: -1, bytes: -bytes })
    if (own.holds === 0) this.#ofSession.delete(session)
  }

  async #wait(shown: Shown, signal: AbortSignal): Promise<Answer> {
    const unrecorded = await this.#open(shown)
    if (unrecorded !== undefined) return unrecorded
    const ended = await this.#answered(shown, signal)
    const { held, digest } = shown
    if (ended.kind === 'approved') {
      return { kind: 'approved', by: ended.by, hold: { id: held.id, digest } }
    }
    return this.#end(shown, ended)
  }

  /** No record, no question. */
  async #open({ leaf }: Shown): Promise<Denied | undefined> {
    try {
      await this.#parts.keyholder.record(leaf, [])
      return undefined
    } catch (thrown) {
      const error = toSekishoError(thrown)
      if (error.code === 'POLICY_CHANGED') return deny('policy-changed', error.message)
      throw error
    }
  }

  /** Whatever comes first of an answer, the agent's going, the time, and those gone who would answer. */
  async #answered({ held }: Shown, signal: AbortSignal): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    const end = (why: Unanswered, reason: string): void => resolve({ kind: 'ended', why, reason })
    const leftMs = Math.max(0, Date.parse(held.expiresAt) - this.#parts.now())
    const timer = setTimeout(() => end('expired', 'nobody answered in time'), leftMs)
    const gone = (): void => end('withdrawn', 'the agent has gone away')
    signal.addEventListener('abort', gone, { once: true })
    const callOff = this.#parts.keyholder.onDown(() => {
      end('unavailable', 'the keyholder, which knew the question, is gone')
    })
    if (signal.aborted) gone()
    else this.#askControl(held, { resolve, end })
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', gone)
      callOff()
    }
  }

  #askControl(
    held: Shown['held'],
    {
      resolve,
      end,
    }: { resolve: (ended: Ended) => void; end: (why: Unanswered, reason: string) => void },
  ): void {
    this.#parts.control.wait(held).then(
      (answer) => {
        if (answer.kind === 'approved') resolve({ kind: 'approved', by: answer.by })
        else if (answer.kind === 'denied') end('denied', answer.reason)
        else if (answer.kind === 'expired') end('expired', 'nobody answered in time')
        else end('policy-changed', 'the policy changed while it waited')
      },
      (thrown: unknown) =>
        end('unavailable', `nobody can be asked: ${toSekishoError(thrown).message}`),
    )
  }

  /** Recorded before the agent is told; the keyholder knows of a denial already. */
  async #end({ held }: Shown, { why, reason }: Extract<Ended, { kind: 'ended' }>): Promise<Denied> {
    const { keyholder, control } = this.#parts
    const known = why === 'expired' || why === 'policy-changed' ? why : 'withdrawn'
    if (known === 'withdrawn' && why !== 'denied') {
      // if control is gone there is nobody left to be told
      control.withdraw(held.id, reason.slice(0, 256)).catch(() => undefined)
    }
    const detail = reason.slice(0, 256).toWellFormed()
    const { session, id: hold } = held
    try {
      await keyholder.record({ type: 'approval.ended', session, hold, why: known, detail }, [])
    } catch (thrown) {
      return deny(why, `${reason}; that is not in the log: ${toSekishoError(thrown).message}`)
    }
    return deny(why, reason)
  }
}

type Load = { holds: number; bytes: number }

function add(load: Load, more: Load): void {
  load.holds += more.holds
  load.bytes += more.bytes
}

type Asked = { question: Question; signal: AbortSignal; asker: Asker }

function deny(why: Unanswered, reason: string): Denied {
  return { kind: 'denied', why, reason }
}
