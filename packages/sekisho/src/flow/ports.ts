import type { Action } from '../core/action.ts'
import type { SekishoError } from '../core/error.ts'
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

export type Intent = {
  id: string
  action: Action
  verdict: Verdict
  credentials: readonly string[]
  repeated: number
}

export interface Recorder {
  /**
   * Resolves once the intent is durable and signed, with the values of the named credentials.
   * Rejects with LOG_UNWRITABLE or PEER_UNAVAILABLE: then nothing may leave.
   */
  intent(intent: Intent): Promise<ReadonlyMap<string, string>>
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

/** A credential's placeholder stands where that credential is not bound. */
export type Misuse = { kind: 'misuse'; secret: string; where: string }

/** Names of the credentials whose placeholders stand where they are bound. */
export type Clear = { kind: 'clear'; credentials: readonly string[] }

/** One request between its reader and its performer. */
export interface Exchange {
  /**
   * Looks for placeholders in what has arrived of the request, and whether the session may send
   * that much; asked only if policy allows.
   */
  inspect(): Promise<Clear | Misuse | Deny> | Clear | Misuse | Deny
  /**
   * Sends the request to the pinned address, with the values in place of their placeholders, and
   * carries the reply to the agent. Never rejects. A misuse found in a late part of the body has
   * broken the request off.
   */
  perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Misuse>
}

export type CheckpointPorts = {
  decide: Decide
  recorder: Recorder
  resolver: Resolver
  /** unique within the log */
  newId(): string
  /** An outcome that could not be recorded: its intent becomes a gap leaf at recovery. */
  outcomeLost(error: SekishoError): void
}
