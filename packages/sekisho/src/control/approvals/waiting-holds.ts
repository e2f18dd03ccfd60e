import type * as z from 'zod'
import { SekishoError } from '../../core/error.ts'
import type { ApprovalKind } from '../../core/label.ts'
import type { WaitingHold } from '../../wire/api.ts'
import type { ApprovalResult, HeldAction, SignedApproval } from '../../wire/approval.ts'
import type { gateToControl } from '../../wire/gate-control.ts'
import { subjectOf } from '../../policy/approval-text/subject.ts'

export type WaitResult = z.infer<(typeof gateToControl)['hold.wait']['result']>

/** Actions of all gates that wait at once; one more is denied. */
const MAX_WAITING = 1024
/** Bytes of bodies that wait, of all gates; one more is denied. */
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** A timer fires no later than this, or at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export type WaitingHoldsOptions = {
  /** asks the keyholder, which alone says what an answer is worth */
  answer: (signed: SignedApproval) => Promise<ApprovalResult>
  /** digest of the generation in force; undefined while none is */
  policy: () => string | undefined
  /** told of each that waits, in one line that cannot drive a terminal */
  announce: (line: string) => void
  /** Unix ms */
  now: () => number
}

type Waiting = {
  held: HeldAction
  /** whose yes is still missing */
  needs: readonly ApprovalKind[]
  gate: object
  timer: NodeJS.Timeout
  settle: (result: WaitResult) => void
}

/**
 * What waits for people, as they can see it and answer. Nothing here makes an approval: an answer
 * counts when the keyholder says so, and it checks again when the action leaves.
 */
export class WaitingHolds {
  readonly #waiting = new Map<string, Waiting>()
  readonly #options: WaitingHoldsOptions
  #bodyBytes = 0

  constructor(options: WaitingHoldsOptions) {
    this.#options = options
  }

  /** Resolves when it is answered or over. @param gate that waits */
  wait(held: HeldAction, gate: object): Promise<WaitResult> {
    const refused = this.#refuse(held)
    if (refused !== undefined) return Promise.resolve(refused)
    const { promise, resolve } = Promise.withResolvers<WaitResult>()
    const leftMs = Date.parse(held.expiresAt) - this.#options.now()
    const expire = (): void => this.#end(held.id, { kind: 'expired' })
    const timer = setTimeout(expire, Math.min(leftMs, MAX_TIMER_MS))
    this.#waiting.set(held.id, { held, needs: held.needs, gate, timer, settle: resolve })
    this.#bodyBytes += held.body?.bytes ?? 0
    this.#options.announce(
      `${held.session} waits for ${held.needs.join(' and ')}: ${subjectOf(held)}; see \`sekisho approvals show ${held.id}\``,
    )
    return promise
  }

  #refuse(held: HeldAction): WaitResult | undefined {
    if (this.#waiting.has(held.id)) {
      throw new SekishoError('PROTOCOL_VIOLATION', `the hold ${held.id} waits already`)
    }
    const policy = this.#options.policy()
    if (policy !== undefined && policy !== held.policy) return { kind: 'policy-changed' }
    if (Date.parse(held.expiresAt) <= this.#options.now()) return { kind: 'expired' }
    const isFull =
      this.#waiting.size >= MAX_WAITING ||
      this.#bodyBytes + (held.body?.bytes ?? 0) > MAX_BODY_BYTES
    return isFull ? { kind: 'denied', reason: 'too much waits for an answer already' } : undefined
  }

  /** @param gate that says so: no other gate may */
  withdraw(id: string, gate: object): void {
    const waiting = this.#waiting.get(id)
    if (waiting?.gate === gate) this.#end(id, withdrawn('nobody waits for it any more'))
  }

  gateGone(gate: object): void {
    this.#endAll((waiting) => waiting.gate === gate, withdrawn('its gate is gone'))
  }

  sessionEnded(session: string): void {
    this.#endAll(({ held }) => held.session === session, withdrawn('its session has ended'))
  }

  /** Another generation is in force: what was asked under the one before is over. */
  policyInstalled(digest: string): void {
    this.#endAll(({ held }) => held.policy !== digest, { kind: 'policy-changed' })
  }

  /** oldest first */
  list(): WaitingHold[] {
    return [...this.#waiting.values()].map(({ held, needs }) => ({
      id: held.id,
      session: held.session,
      agent: held.agent,
      user: held.user,
      subject: subjectOf(held),
      needs: [...needs],
      reason: held.reason.slice(0, 512),
      openedAt: held.openedAt,
      expiresAt: held.expiresAt,
    }))
  }

  /** @throws SekishoError HOLD_UNKNOWN */
  find(id: string): { held: HeldAction; needs: ApprovalKind[] } {
    const waiting = this.#waiting.get(id)
    if (waiting !== undefined) return { held: waiting.held, needs: [...waiting.needs] }
    throw new SekishoError('HOLD_UNKNOWN', `no action ${id} waits for an answer`, {
      hint: 'run `sekisho approvals list`; it may have been answered, or be too late',
    })
  }

  /** @throws SekishoError what the keyholder answered */
  async answer(signed: SignedApproval): Promise<ApprovalResult> {
    const result = await this.#options.answer(signed)
    const { hold: id, note } = signed.statement
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return result
    if (result.kind === 'waiting') waiting.needs = result.needs
    if (result.kind === 'approved') this.#end(id, { kind: 'approved', by: waiting.held.needs })
    if (result.kind === 'denied') {
      const reason = note === '' ? 'it was denied' : `it was denied: ${note}`
      this.#end(id, { kind: 'denied', reason: reason.slice(0, 1024) })
    }
    return result
  }

  #endAll(isOver: (waiting: Waiting) => boolean, result: WaitResult): void {
    for (const [id, waiting] of this.#waiting) if (isOver(waiting)) this.#end(id, result)
  }

  #end(id: string, result: WaitResult): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    this.#bodyBytes -= waiting.held.body?.bytes ?? 0
    waiting.settle(result)
  }
}

function withdrawn(reason: string): WaitResult {
  return { kind: 'denied', reason }
}
