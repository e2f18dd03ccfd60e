import type { Action } from '../core/action.ts'
import type { Deny, Verdict } from '../core/verdict.ts'

/** Decides by rules in memory; never waits, never throws. The interface that Cedar will take. */
export type Decide = (action: Action) => Verdict

export type Performed = {
  kind: 'performed'
  status: number | null
  address: string | null
  bytesOut: number
  bytesIn: number
  scrubbed: number
}
export type Refused = { kind: 'refused'; rules: readonly string[]; reason: string }
export type Failed = { kind: 'failed'; code: string; message: string }
export type ActionOutcome = Performed | Refused | Failed

export interface Recorder {
  /**
   * Resolves once the intent is durable and signed, with the values of the named credentials.
   * Rejects with LOG_UNWRITABLE or PEER_UNAVAILABLE: then nothing may leave.
   */
  intent(intent: {
    id: string
    action: Action
    verdict: Verdict
    credentials: readonly string[]
    repeated: number
  }): Promise<ReadonlyMap<string, string>>
  /** exactly once for every allowed intent, on every path */
  outcome(id: string, outcome: ActionOutcome): Promise<void>
}

export interface Resolver {
  /** resolves once; denies unless every answer is public or the operator named it */
  pin(host: string, port: number): Promise<Pinned | Deny>
}

export type Pinned = {
  kind: 'pinned'
  /** numeric; exactly this is dialled */
  address: string
  port: number
  /** PEM trusted in place of the system roots; null uses the system's */
  caPem: string | null
}
